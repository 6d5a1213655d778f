/*
 * The terminal in the prompt's panel. xterm.js is three quarters of all the page's code: this module is loaded when the rest is shown.
 */
import { Terminal } from "@xterm/xterm";
import type { DeviceLive } from "../device-live.js";
import type { Live } from "../live.js";
import { colour, THEME_EVENT } from "../theme.js";
import { LocalEcho } from "./local-echo.js";

const ROWS = 14;
const FONT_SIZE = 13;
/** Width of a monospaced letter, as a share of the font size. */
const LETTER = 0.602;

/** Puts the device's terminal into `element`, until the result is called. */
export function openTerminal(element: HTMLElement, live: Live, device: DeviceLive): () => void {
  const terminal = new Terminal({
    rows: ROWS,
    cols: columnsOf(element),
    convertEol: true,
    fontSize: FONT_SIZE,
    fontFamily: "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace",
    scrollback: 2_000,
    screenReaderMode: false,
    theme: themeNow(),
  });
  terminal.open(element);
  terminal.textarea?.setAttribute("aria-label", "The device's prompt");
  // Tab and Shift-Tab stay the page's, so that the keyboard gets out of here.
  terminal.attachCustomKeyEventHandler(({ key }) => key !== "Tab");
  const echo = new LocalEcho((text) => terminal.write(text));
  terminal.onData((keys) => {
    const text = device.state.promptMode === "lines" ? echo.take(keys) : keys;
    if (text !== "") live.act(device.id, { do: "keys", text });
  });
  terminal.write(device.serial);
  device.onSerial = (text) => terminal.write(text);
  const onTheme = (): void => {
    terminal.options.theme = themeNow();
  };
  addEventListener(THEME_EVENT, onTheme);
  const resize = new ResizeObserver(() => terminal.resize(columnsOf(element), ROWS));
  resize.observe(element);
  return () => {
    device.onSerial = () => {};
    removeEventListener(THEME_EVENT, onTheme);
    resize.disconnect();
    terminal.dispose();
  };
}

function columnsOf(element: HTMLElement): number {
  return Math.max(30, Math.floor((element.clientWidth - 20) / (FONT_SIZE * LETTER)));
}

function themeNow(): Record<string, string> {
  return {
    background: colour("terminal"),
    foreground: colour("terminal-ink"),
    cursor: colour("terminal-ink"),
    selectionBackground: colour("terminal-selection"),
  };
}

import { useEffect, useRef } from "preact/hooks";
import type { DeviceLive } from "../device-live.js";
import type { Live } from "../live.js";

/** The serial prompt, the same as in the terminal. */
export function PromptPanel({ live, device }: { live: Live; device: DeviceLive }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let close: (() => void) | "gone" | undefined;
    void import("./prompt-terminal.js").then(({ openTerminal }) => {
      if (close !== "gone") close = openTerminal(box.current as HTMLDivElement, live, device);
    });
    return () => {
      if (typeof close === "function") close();
      close = "gone";
    };
  }, [live, device]);
  return (
    <section class="panel prompt" aria-label="Prompt">
      <div class="bar">
        <h3>Prompt</h3>
        <p class="says">
          the device's serial port; type <code>help</code>
        </p>
      </div>
      <div class="terminal" ref={box} data-prompt={device.id} />
    </section>
  );
}

/*
 * Bytes to keys: UTF-8, control characters and the escape sequences of keys, byte by byte. CR, LF and CRLF are one Enter.
 * Invalid UTF-8 becomes U+FFFD, as in the Encoding Standard; a control character ends a sequence and is handled. Sequences
 * without a meaning here type nothing: `ESC [` and `ESC O` end by their grammar; other bytes after an ESC (Alt with a letter,
 * keys of old terminals) come in one burst, which ends with a silence. The decoder has no clock: its owner calls `expire` after
 * `patienceMs` without a byte. No allocation.
 * Sources: ECMA-48 §5.4 (control sequences), xterm's "PC-Style Function Keys", the key capabilities of terminfo; Unicode 15
 * table 3-7 (UTF-8).
 */

/** Keys, as the editor knows them. */
export type Key =
  | "character"
  | "enter"
  | "tab"
  | "backspace"
  | "delete"
  | "left"
  | "right"
  | "home"
  | "end"
  | "up"
  | "down"
  | "killToStart"
  | "killToEnd"
  | "killWord"
  | "interrupt"
  | "clear";

const LF = 0x0a;
const CR = 0x0d;
const ESC = 0x1b;
const REPLACEMENT = 0xfffd;
const CSI = 0x5b; // [, behind ESC
const SS3 = 0x4f; // O, behind ESC
const DOLLAR = 0x24;
const MAX_PARAMETERS = 16; // bytes; no key's sequence has more
const MAX_FOREIGN = 8; // bytes behind ESC; the longest in terminfo has five

/**
 * Milliseconds without a byte that end a key. Within a burst, and after Esc alone: a USB bridge delays bytes by up to 16 ms,
 * and a second key is not typed so soon. Within `ESC [`: a network link may split it.
 */
const BURST_MS = 25;
const SEQUENCE_MS = 500;

/** The decoder's state. `trailer`: one byte that may belong to the sequence before it. */
type State = "ground" | "afterCR" | "escape" | "sequence" | "singleShift" | "trailer" | "foreign" | "utf8";

/** Receives the keys. */
export interface KeyListener {
  /** `code`: the code point of a "character", 0 otherwise. */
  press(key: Key, code: number): void;
}

/** Decodes one stream of bytes. `feed` passes none, one or two keys per byte to the listener. */
export class KeyDecoder {
  private readonly listener: KeyListener;
  private state: State = "ground";
  private parameter = 0; // the first one of an escape sequence
  private inFirst = true;
  private length = 0; // bytes of the escape sequence so far, behind what begins it
  private code = 0; // of the UTF-8 character so far
  private least = 0; // smaller codes would be an overlong form
  private missing = 0; // continuation bytes

  constructor(listener: KeyListener) {
    this.listener = listener;
  }

  /** Milliseconds without a byte after which `expire` is due; 0: never. */
  get patienceMs(): number {
    switch (this.state) {
      case "escape":
      case "trailer":
      case "foreign":
        return BURST_MS;
      case "sequence":
      case "singleShift":
        return SEQUENCE_MS;
      case "ground":
      case "afterCR":
      case "utf8":
        return 0;
      default:
        throw new TypeError(`state: ${this.state satisfies never}`);
    }
  }

  /** No byte came for a while: an escape sequence has ended. */
  expire(): void {
    if (this.patienceMs > 0) this.state = "ground";
  }

  feed(byte: number): void {
    switch (this.state) {
      case "ground":
        this.ground(byte);
        return;
      case "afterCR":
        this.state = "ground";
        if (byte !== LF) this.ground(byte);
        return;
      case "escape":
        this.escape(byte);
        return;
      case "sequence":
        this.sequence(byte);
        return;
      case "singleShift":
        this.sequence(byte);
        return;
      case "trailer":
        this.state = "ground";
        if (!isPrintable(byte)) this.ground(byte);
        return;
      case "foreign":
        this.foreign(byte);
        return;
      case "utf8":
        this.continuation(byte);
        return;
      default:
        throw new TypeError(`state: ${this.state satisfies never}`);
    }
  }

  private ground(byte: number): void {
    if (byte >= 0x80) this.begin(byte);
    else if (byte >= 0x20 && byte !== 0x7f) this.listener.press("character", byte);
    else if (byte === ESC) this.state = "escape";
    else {
      if (byte === CR) this.state = "afterCR";
      const key = controlKey(byte);
      if (key !== undefined) this.listener.press(key, 0);
    }
  }

  private escape(byte: number): void {
    this.parameter = 0;
    this.inFirst = true;
    this.length = 0;
    if (byte === CSI) this.state = "sequence";
    else if (byte === SS3) this.state = "singleShift";
    else this.foreign(byte);
  }

  /** After `ESC [` and `ESC O`: parameters and the final byte. */
  private sequence(byte: number): void {
    const isFirst = this.length === 0;
    this.length += 1;
    const isShifted = byte === DOLLAR && !isFirst; // rxvt's Shift: ESC [ 23 $, which ECMA-48 would continue
    if (byte >= 0x20 && byte < 0x40 && !isShifted && this.length <= MAX_PARAMETERS) {
      const isDigit = byte >= 0x30 && byte <= 0x39;
      if (!isDigit)
        this.inFirst = false; // modifiers follow; the first parameter identifies the key
      else if (this.inFirst) this.parameter = this.parameter * 10 + byte - 0x30;
      return;
    }
    // F1 of the Linux console is ESC [ [ A; some have ESC [ O P.
    const hasTrailer = this.state === "sequence" && isFirst && (byte === CSI || byte === SS3);
    this.state = hasTrailer ? "trailer" : "ground";
    if (hasTrailer || isShifted) return;
    if (byte >= 0x40 && byte <= 0x7e) this.final(byte);
    else this.ground(byte);
  }

  /** After an ESC that begins no sequence of ECMA-48. */
  private foreign(byte: number): void {
    this.length += 1;
    const goesOn = isPrintable(byte) && this.length <= MAX_FOREIGN;
    this.state = goesOn ? "foreign" : "ground";
    if (!goesOn) this.ground(byte);
  }

  private final(byte: number): void {
    const key = byte === 0x7e ? numberedKey(this.parameter) : letteredKey(byte);
    if (key !== undefined) this.listener.press(key, 0);
  }

  private begin(byte: number): void {
    if (byte >= 0xc2 && byte < 0xe0) this.expect(byte & 0x1f, 1, 0x80);
    else if (byte >= 0xe0 && byte < 0xf0) this.expect(byte & 0x0f, 2, 0x800);
    else if (byte >= 0xf0 && byte < 0xf5) this.expect(byte & 0x07, 3, 0x10000);
    else this.listener.press("character", REPLACEMENT);
  }

  private expect(bits: number, missing: number, least: number): void {
    this.state = "utf8";
    this.code = bits;
    this.missing = missing;
    this.least = least;
  }

  private continuation(byte: number): void {
    if ((byte & 0xc0) !== 0x80) {
      this.state = "ground";
      this.listener.press("character", REPLACEMENT);
      this.ground(byte);
      return;
    }
    this.code = this.code * 64 + (byte & 0x3f);
    this.missing -= 1;
    if (this.missing > 0) return;
    this.state = "ground";
    const code = this.code;
    const valid = code >= this.least && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    // C1 controls would reach the terminal with the echo, and some terminals treat them as the start of a sequence.
    if (code >= 0x80 && code < 0xa0) return;
    this.listener.press("character", valid ? code : REPLACEMENT);
  }
}

/** Includes bytes of characters beyond ASCII: Alt with ä. */
function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte !== 0x7f;
}

function controlKey(byte: number): Key | undefined {
  switch (byte) {
    case CR:
    case LF:
      return "enter";
    case 0x01:
      return "home"; // Ctrl-A
    case 0x02:
      return "left"; // Ctrl-B
    case 0x03:
      return "interrupt"; // Ctrl-C
    case 0x04:
      return "delete"; // Ctrl-D
    case 0x05:
      return "end"; // Ctrl-E
    case 0x06:
      return "right"; // Ctrl-F
    case 0x08:
    case 0x7f:
      return "backspace";
    case 0x09:
      return "tab";
    case 0x0b:
      return "killToEnd"; // Ctrl-K
    case 0x0c:
      return "clear"; // Ctrl-L
    case 0x0e:
      return "down"; // Ctrl-N
    case 0x10:
      return "up"; // Ctrl-P
    case 0x15:
      return "killToStart"; // Ctrl-U
    case 0x17:
      return "killWord"; // Ctrl-W
    default:
      return undefined; // no meaning at a prompt
  }
}

/** ESC [ x and ESC O x. */
function letteredKey(byte: number): Key | undefined {
  switch (byte) {
    case 0x41:
      return "up";
    case 0x42:
      return "down";
    case 0x43:
      return "right";
    case 0x44:
      return "left";
    case 0x46:
      return "end";
    case 0x48:
      return "home";
    default:
      return undefined;
  }
}

/** ESC [ n ~. */
function numberedKey(parameter: number): Key | undefined {
  switch (parameter) {
    case 1:
    case 7:
      return "home";
    case 3:
      return "delete";
    case 4:
    case 8:
      return "end";
    default:
      return undefined;
  }
}

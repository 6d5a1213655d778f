/*
 * The line editor: bytes to keys, keys to a line, and the row that shows the line. Without a terminal (mode "lines") it still
 * edits, but writes nothing. Secrets are masked on the row and kept out of the history. No I/O: output goes to the owner, who
 * also supplies the prompt.
 */
import type { SerialMode } from "../port/serial.js";
import { Silence, type SilenceOwner } from "../port/silence.js";
import { History } from "./history.js";
import { type Key, KeyDecoder, type KeyListener } from "./keys.js";
import { Line } from "./line.js";
import { type Disguise, Row } from "./row.js";
import { secretStart } from "./secrets.js";

/** The kind of input: a command, or the answer to a question, which has neither history nor completion. */
export interface Prompt {
  readonly text: string;
  readonly kind: "command" | "answer" | "hidden" | "pasted";
}

/** The text to insert, possibly empty, and the candidates if there are several. */
export interface Completion {
  readonly insert: string;
  readonly candidates: readonly string[];
}

/** What the editor needs of its owner. */
export interface EditorOwner extends SilenceOwner {
  /** Settings whose values are passwords, in lower case. */
  secretKeys(): readonly string[];
  /** The current prompt. */
  prompt(): Prompt;
  /** A line was entered. `tooLong`: characters beyond a line's length were lost. */
  onEnter(text: string, tooLong: boolean): void;
  /** Ctrl-C: the line is discarded. */
  onInterrupt(): void;
  complete(before: string): Completion;
  /** Shows the candidates of a completion above the line. */
  onCandidates(candidates: readonly string[]): void;
  /** Sends text unchanged. */
  send(text: string): void;
}

const BELL = "\x07";
const HOME_AND_ERASE = "\x1b[H\x1b[2J"; // ECMA-48 §8.3.21, §8.3.39: the only sequence that needs a terminal, sent on request
const HIDDEN = Object.freeze<Disguise>({ kind: "hidden" });
const NOTHING_TYPED = Object.freeze(new Line()) as Line; // shared by all editors: never written to

/** The line editor of one port. Takes bytes; output and entered lines go to its owner. */
export class Editor implements KeyListener {
  private readonly owner: EditorOwner;
  private readonly row = new Row();
  // Most devices are never typed at: made with the first byte.
  private secretKeys: readonly string[] | undefined;
  private decoder: KeyDecoder | undefined;
  private silence: Silence | undefined; // made with the first escape sequence
  private line = NOTHING_TYPED;
  private history: History | undefined; // made with the first command
  mode: SerialMode = "terminal";

  constructor(owner: EditorOwner) {
    this.owner = owner;
  }

  feed(byte: number): void {
    if (this.line === NOTHING_TYPED) this.line = new Line();
    this.decoder ??= new KeyDecoder(this);
    this.decoder.feed(byte);
    if (this.decoder.patienceMs > 0) this.silence ??= new Silence(this.owner, this.decoder);
    this.silence?.broken();
  }

  /** Updates the row on the screen. */
  show(): void {
    if (this.mode === "lines") return;
    const { text, kind } = this.owner.prompt();
    this.owner.send(this.row.draw(text, this.line, this.disguise(kind)));
  }

  /** Clears the row for other output; `show` draws the line again below it. */
  lift(): void {
    if (this.mode === "terminal") this.owner.send(this.row.clear());
  }

  /** Removes `line` from the history, if it is the newest. */
  forget(line: string): void {
    this.history?.forget(line);
  }

  /** Overwrites the line; nothing happens afterwards. */
  close(): void {
    this.silence?.close();
    if (this.line !== NOTHING_TYPED) this.line.clear();
  }

  press(key: Key, code: number): void {
    const line = this.line;
    switch (key) {
      case "character":
        if (!line.insert(code) && this.mode === "terminal") this.owner.send(BELL);
        return;
      case "enter":
        this.enter();
        return;
      case "interrupt":
        this.leave("^C");
        this.history?.rest();
        this.owner.onInterrupt();
        return;
      case "tab":
        this.complete();
        return;
      case "up":
        this.recall("older");
        return;
      case "down":
        this.recall("newer");
        return;
      case "clear":
        this.lift();
        if (this.mode === "terminal") this.owner.send(HOME_AND_ERASE);
        return;
      default:
        edit(line, key);
    }
  }

  private enter(): void {
    const overflow = this.line.overflow;
    const text = this.line.text();
    const { kind } = this.owner.prompt();
    if (kind === "command") {
      const isSecret = this.secretStart() < this.line.length;
      this.history ??= new History();
      if (isSecret || overflow) this.history.rest();
      else this.history.add(text);
    }
    if (kind === "pasted") this.line.clear();
    else this.leave("");
    this.owner.onEnter(text, overflow);
  }

  /** The row stays on the screen, followed by `mark`; the line is empty again. */
  private leave(mark: string): void {
    if (this.mode === "terminal") {
      this.show();
      this.owner.send(`${this.row.leave()}${mark}\r\n`);
    }
    this.line.clear();
  }

  private complete(): void {
    if (this.owner.prompt().kind !== "command") return;
    const { insert, candidates } = this.owner.complete(this.line.text(0, this.line.cursor));
    this.line.insertText(insert);
    if (candidates.length > 0) this.owner.onCandidates(candidates);
  }

  private recall(direction: "older" | "newer"): void {
    if (this.owner.prompt().kind !== "command") return;
    const text = direction === "older" ? this.history?.older(this.line.text()) : this.history?.newer();
    if (text !== undefined) this.line.replace(text);
  }

  private disguise(kind: Prompt["kind"]): Disguise {
    if (kind === "hidden" || kind === "pasted") return HIDDEN;
    const position = kind === "command" ? this.secretStart() : this.line.length;
    return { kind: "maskedFrom", position };
  }

  private secretStart(): number {
    if (this.line.length === 0) return 0;
    this.secretKeys ??= this.owner.secretKeys();
    return secretStart(this.line, this.secretKeys);
  }
}

/** The keys that only change the line. */
function edit(
  line: Line,
  key: "backspace" | "delete" | "left" | "right" | "home" | "end" | "killToStart" | "killToEnd" | "killWord",
): void {
  const { cursor, length } = line;
  switch (key) {
    case "backspace":
      line.erase(Math.max(0, cursor - 1), cursor);
      return;
    case "delete":
      line.erase(cursor, Math.min(cursor + 1, length));
      return;
    case "left":
      line.moveTo(cursor - 1);
      return;
    case "right":
      line.moveTo(cursor + 1);
      return;
    case "home":
      line.moveTo(0);
      return;
    case "end":
      line.moveTo(length);
      return;
    case "killToStart":
      line.erase(0, cursor);
      return;
    case "killToEnd":
      line.erase(cursor, length);
      return;
    case "killWord":
      line.erase(line.wordStart(), cursor);
      return;
    default:
      throw new TypeError(`key: ${key satisfies never}`);
  }
}

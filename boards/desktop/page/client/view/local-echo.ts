/*
 * Where the device's prompt takes lines without echo (its standard input is no terminal), the page shows what is typed.
 */
const DELETE = "\u007f";
const RUB_OUT = "\b \b";

export class LocalEcho {
  readonly #show: (text: string) => void;
  #line = "";

  constructor(show: (text: string) => void) {
    this.#show = show;
  }

  /** Returns the lines that are whole now, each with its end. */
  take(keys: string): string {
    let whole = "";
    for (const key of keys) {
      if (key === "\r") {
        whole += `${this.#line}\n`;
        this.#line = "";
        this.#show("\r\n");
      } else if (key === DELETE) {
        if (this.#line !== "") this.#show(RUB_OUT);
        this.#line = [...this.#line].slice(0, -1).join("");
      } else if (key >= " ") {
        this.#line += key;
        this.#show(key);
      }
    }
    return whole;
  }
}

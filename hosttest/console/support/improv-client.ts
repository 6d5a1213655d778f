/*
 * A client of Improv, as browsers have one: reads frames off a port that also carries a prompt.
 * Like the published client it looks at nine bytes at a time: bytes that do not begin with the header are discarded up to
 * the next line feed. It sends a line feed behind every frame.
 */

const HEADER = "IMPROV";

export interface Received {
  readonly type: number;
  readonly data: readonly number[];
}

/** The frame of a command, with what the published client sends behind it. */
export function commandFrame(command: number, data: readonly number[] = []): Uint8Array {
  return frame(3, [command, data.length, ...data]);
}

/** Any frame. */
export function frame(type: number, data: readonly number[]): Uint8Array {
  const bytes = [...new TextEncoder().encode(HEADER), 1, type, data.length, ...data];
  return Uint8Array.of(...bytes, bytes.reduce((sum, byte) => sum + byte) & 0xff, 0x0a);
}

/** The data of "send Wi-Fi settings". */
export function credentials(ssid: string, password: string): number[] {
  return [...counted(ssid), ...counted(password)];
}

function counted(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [bytes.length, ...bytes];
}

/** The strings of a result, and the command it answers. */
export function resultOf({ type, data }: Received): { command: number; strings: string[] } {
  if (type !== 4) throw new Error(`type ${type} is no result`);
  const strings: string[] = [];
  for (let at = 2; at < 2 + data[1]; at += data[at] + 1) {
    strings.push(new TextDecoder().decode(Uint8Array.from(data.slice(at + 1, at + 1 + data[at]))));
  }
  return { command: data[0], strings };
}

/** Collects the frames of everything that is written to it. */
export class ImprovClient {
  readonly frames: Received[] = [];
  #line: number[] = [];
  #state: "unsure" | "frame" | "other" = "unsure";

  write(bytes: Uint8Array): void {
    for (const byte of bytes) this.#take(byte);
  }

  /** The frames since the last call. */
  take(): Received[] {
    return this.frames.splice(0);
  }

  #take(byte: number): void {
    if (this.#state === "other") {
      if (byte === 0x0a) this.#state = "unsure";
      return;
    }
    if (this.#state === "unsure" && byte === 0x0a) {
      this.#line = [];
      return;
    }
    this.#line.push(byte);
    if (this.#state === "unsure" && this.#line.length === 9) {
      this.#state = String.fromCharCode(...this.#line.slice(0, 6)) === HEADER ? "frame" : "other";
      if (this.#state === "other") this.#line = [];
    }
    if (this.#state === "frame" && this.#line.length === 9 + this.#line[8] + 1) this.#complete();
  }

  #complete(): void {
    const sum = this.#line.pop();
    if ((this.#line.reduce((total, byte) => total + byte) & 0xff) !== sum) throw new Error("wrong sum received");
    this.frames.push({ type: this.#line[7], data: this.#line.slice(9) });
    this.#line = [];
    this.#state = "unsure";
  }
}

/*
 * What the command-line client has to publish, in order: rounds of the --pub list become entries of a store (QoS 1 and 2)
 * or messages for the open connection (QoS 0). Waits where the store is full or the connection closed; never drops.
 */
import type { Message } from "../../src/mqtt/client.js";
import { encodeTopicName } from "../../src/mqtt/wire/topics.js";
import type { Publication } from "./arguments.js";

/** Where messages of QoS 1 and 2 go. `append` returns false when it is full. */
export interface Sink {
  append(message: Message, qos: 1 | 2): boolean;
  /** Sends a message of QoS 0. Returns false if it cannot be sent now. */
  publishNow(message: Message): boolean;
}

export class Queue {
  readonly #publications: readonly Publication[];
  readonly #topics: readonly Uint8Array[];
  /** Rounds that the clock has released. */
  #due = 0;
  #round = 0;
  #at = 0;

  constructor(publications: readonly Publication[]) {
    this.#publications = publications;
    this.#topics = publications.map((publication) => encodeTopicName(publication.topic));
  }

  /** Number of messages that the sink has accepted. */
  get handedOn(): number {
    return this.#round * this.#publications.length + this.#at;
  }

  /** One more round may be sent. */
  release(): void {
    this.#due++;
  }

  /** Whether all released messages were passed on. */
  get isEmpty(): boolean {
    return this.#round >= this.#due || this.#publications.length === 0;
  }

  /** Passes on what the sink accepts now. */
  pour(sink: Sink): void {
    while (!this.isEmpty) {
      const publication = this.#publications[this.#at];
      const payload = publication.isTemplate ? numbered(publication.payload, this.#round) : publication.payload;
      const { qos, retain } = publication;
      const message = { topic: this.#topics[this.#at], payload, payloadLength: payload.length, retain };
      if (!(qos === 0 ? sink.publishNow(message) : sink.append(message, qos))) return;
      this.#at = (this.#at + 1) % this.#publications.length;
      if (this.#at === 0) this.#round++;
    }
  }
}

/** %n in a payload becomes the round's number. */
function numbered(payload: Uint8Array, round: number): Uint8Array {
  return Buffer.from(Buffer.from(payload).toString("latin1").replaceAll("%n", String(round)), "latin1");
}

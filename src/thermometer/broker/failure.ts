/*
 * How a failed connection is explained: TLS often knows better than the client why it ended, and the same failure again is no news.
 */
import type { MQTTError } from "../../mqtt/client.js";
import type { Encryption } from "./encryption.js";

/** A DISCONNECT of MQTT 5 with this reason: the end is for no client's sake. */
const SHUTTING_DOWN = 0x8b;

/** The last failure of the connection, in words. */
export class Failure {
  /** Undefined without TLS. */
  private readonly encryption: Encryption | undefined;
  /** What it was: the same one again is not news. */
  private text = "";
  /** The last one that TLS explains better than the client, and that explanation. */
  private unexplained: MQTTError | undefined;
  private explained: MQTTError | undefined;

  constructor(encryption: Encryption | undefined) {
    this.encryption = encryption;
  }

  /** A connection was made: whatever fails next is news. */
  connected(): void {
    this.text = "";
  }

  /** `isNews`: it is not the one before, again. `by`: "server" when it closed the connection and no other reason is known. */
  happened(error: MQTTError): { readonly text: string; readonly isNews: boolean; readonly by: "server" | "other" } {
    const explanation = this.encryption?.explain(error);
    const text = explanation ?? error.message;
    if (explanation !== undefined) {
      this.unexplained = error;
      this.explained = { ...error, message: text };
    }
    const isNews = text !== this.text;
    this.text = text;
    const isUnexplained = explanation === undefined && error.code !== SHUTTING_DOWN;
    return { text, isNews, by: error.kind === "closed" && isUnexplained ? "server" : "other" };
  }

  /** The text for the client's last error. */
  explain(lastError: MQTTError | undefined): MQTTError | undefined {
    return lastError !== undefined && lastError === this.unexplained ? this.explained : lastError;
  }
}

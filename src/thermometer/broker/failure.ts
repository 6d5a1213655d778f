/* Explains why a connection failed. TLS often knows more than the client, and a failure that repeats is logged at a lower level. */
import type { MQTTError } from "../../mqtt/client.js";
import type { Encryption } from "./encryption.js";

/** Reason code of MQTT 5's DISCONNECT: the server is shutting down, so the client is not the cause. */
const SHUTTING_DOWN = 0x8b;

/** The last failure of the connection, as text. */
export class Failure {
  /** Undefined without TLS. */
  private readonly encryption: Encryption | undefined;
  /** The last text, to recognize a repetition. */
  private text = "";
  /** The last error for which TLS has a better explanation than the client, and that explanation. */
  private unexplained: MQTTError | undefined;
  private explained: MQTTError | undefined;

  constructor(encryption: Encryption | undefined) {
    this.encryption = encryption;
  }

  /** A connection was made: the next failure is new in any case. */
  connected(): void {
    this.text = "";
  }

  /** `isNews`: the failure differs from the last one. `by`: "server" if the server closed the connection and no other reason is known. */
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

  /** The best explanation of the client's last error. */
  explain(lastError: MQTTError | undefined): MQTTError | undefined {
    return lastError !== undefined && lastError === this.unexplained ? this.explained : lastError;
  }
}

/*
 * The subscription that marks the broker's session (src/mqtt/README.md, "A session in doubt"). It is requested when a connection has
 * lasted for a while, and not any more when a few connections have ended on it: readings are more important.
 */
import type { Client } from "../../mqtt/client.js";

/** How long a connection must have lasted, in milliseconds: by then the broker has accepted all that presence sends. */
const PATIENCE_MS = 30_000;
/** After so many connections that ended on the request, it is not sent again. */
const LIMIT = 3;

const DUE = 0;
const ASKED = 1;
const OVER = 2;

/** Subscribes once to `filter`. The client repeats it in each new session, and uses it in version 5. */
export class SessionMark {
  private readonly client: Pick<Client, "subscribe" | "forget">;
  private readonly filter: string;
  private state: typeof DUE | typeof ASKED | typeof OVER = DUE;
  private failures = 0;

  constructor(client: Pick<Client, "subscribe" | "forget">, filter: string) {
    this.client = client;
    this.filter = filter;
  }

  /** A reading was acknowledged on a connection that has lasted for `provenMs` milliseconds. */
  proven(provenMs: number): void {
    if (this.state !== DUE || provenMs < PATIENCE_MS) return;
    this.state = ASKED;
    this.client.subscribe(this.filter, 0);
  }

  /** The broker has answered, granted or not. */
  answered(): void {
    this.state = OVER;
  }

  /** The connection was ended by the broker or the network. */
  ended(): void {
    if (this.state !== ASKED) return;
    this.client.forget(this.filter);
    this.state = ++this.failures < LIMIT ? DUE : OVER;
  }
}

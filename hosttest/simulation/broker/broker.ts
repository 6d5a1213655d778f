/*
 * The model broker: implements what MQTT 3.1.1 and 5 require of a server, and behaves in every difficult way that they allow.
 * It keeps sessions as long as announced, forwards a QoS 2 message at PUBLISH or at PUBREL (§4.3.3, both methods),
 * restarts with or without its sessions or with another version of MQTT, refuses, stalls, answers late. One observer gets all
 * forwarded messages, in order; every violation of the standard by a client is reported at once.
 */
import type { Acceptor, Peer } from "../network.js";
import { Connection } from "./connection.js";
import { type BrokerOptions, FAIR, type Host, type Mood } from "./options.js";
import { type Admission, type Session, Sessions } from "./session.js";
import { ORDINARY, type Terms } from "./terms.js";

export class Broker implements Host<Connection> {
  readonly mood: Mood = { ...FAIR, running: true };
  readonly options: BrokerOptions;
  /** For future connections. */
  terms: Terms;
  readonly #sessions: Sessions;
  readonly #connections = new Map<string, Connection>();
  readonly #open = new Set<Connection>();
  /** Accepted CONNECTs, in all and with 5. */
  connects = 0;
  connectsAt5 = 0;
  attemptsAt5 = 0;

  constructor(options: BrokerOptions) {
    this.options = options;
    this.terms = options.terms ?? ORDINARY;
    this.#sessions = new Sessions((client) => options.sessionLost(client));
  }

  /** Called by the network for a new stream. */
  readonly listen = (peer: Peer): Acceptor | undefined => {
    if (!this.mood.running) return undefined;
    const connection = new Connection(this, peer);
    this.#open.add(connection);
    return connection;
  };

  /** Closes every connection. With `sessions` "lost", the sessions are deleted, too. */
  stop(sessions: "kept" | "lost"): void {
    this.mood.running = false;
    for (const connection of [...this.#open]) connection.dismiss(0x8b);
    if (sessions === "lost") this.#sessions.lose("all");
    else if (this.terms.forgetsClean) this.#sessions.lose("clean");
  }

  /** `terms`: of the broker from now on. */
  start(terms = this.terms): void {
    this.terms = terms;
    this.mood.running = true;
  }

  admit(connection: Connection, admission: Admission, level: 4 | 5): { session: Session; present: boolean } {
    const { id } = admission;
    this.connects++;
    if (level === 5) this.connectsAt5++;
    this.#connections.get(id)?.dismiss(0x8e); // §3.1.4-2
    this.#connections.set(id, connection);
    return this.#sessions.admit(admission, this.options.time.nowMs);
  }

  leave(connection: Connection, client: string, session: Session | undefined): void {
    this.#open.delete(connection);
    if (session === undefined || this.#connections.get(client) !== connection) return;
    this.#connections.delete(client);
    this.#sessions.leave(client, session, this.options.time.nowMs);
  }
}

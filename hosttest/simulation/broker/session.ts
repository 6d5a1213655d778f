/*
 * Sessions: the broker's state of its clients beyond one connection, until it expires or is lost.
 * Source: MQTT 3.1.1 §3.1.2.4, MQTT 5 §4.1.
 */
import type { Forwarded } from "./message.js";

/** A client's session at the server. */
export interface Session {
  /** QoS 2 messages received and not released, by packet id. */
  readonly received: Map<number, Forwarded>;
  /** The last acknowledged QoS 1 messages, by packet id: only to recognise a re-delivery. */
  readonly seen: Map<number, string>;
  /** The `received` of a lost session, until the client has certainly been informed. */
  readonly forgotten: Map<number, Forwarded>;
  /** Its subscriptions. */
  readonly filters: Set<string>;
  /** It began with a clean start. */
  isClean: boolean;
  /** Seconds that it outlives its connection: the session expiry. */
  expiryS: number;
  /** When it ends; infinite while its client is connected. */
  endsMs: number;
}

export interface Admission {
  readonly id: string;
  readonly clean: boolean;
  readonly expiryS: number;
}

export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #forgotten = new Map<string, Map<number, Forwarded>>();
  readonly #sessionLost: (client: string) => void;

  /** `sessionLost`: a session ended although its client relied on it. */
  constructor(sessionLost: (client: string) => void) {
    this.#sessionLost = sessionLost;
  }

  /** The session of a CONNECT, and whether it was there before. */
  admit({ id, clean, expiryS }: Admission, nowMs: number): { session: Session; present: boolean } {
    if (nowMs >= (this.#sessions.get(id)?.endsMs ?? Number.POSITIVE_INFINITY)) this.#lose(id);
    const known = clean ? undefined : this.#sessions.get(id);
    const forgotten = this.#forgotten.get(id) ?? new Map();
    this.#forgotten.delete(id);
    const filters = new Set<string>();
    const session = known ?? {
      received: new Map(),
      seen: new Map(),
      forgotten,
      filters,
      isClean: clean,
      expiryS,
      endsMs: 0,
    };
    session.isClean &&= clean;
    session.expiryS = expiryS;
    session.endsMs = Number.POSITIVE_INFINITY;
    this.#sessions.set(id, session);
    return { session, present: known !== undefined };
  }

  /** Its client has disconnected. */
  leave(id: string, session: Session, nowMs: number): void {
    if (this.#sessions.get(id) !== session) return;
    session.endsMs = nowMs + session.expiryS * 1000;
    if (session.expiryS === 0) this.#sessions.delete(id); // as the client asked
  }

  /** Deletes all sessions, or those that began clean. */
  lose(which: "all" | "clean"): void {
    for (const [id, { isClean }] of this.#sessions) if (which === "all" || isClean) this.#lose(id);
  }

  #lose(id: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#forgotten.set(id, new Map([...session.forgotten, ...session.received]));
    this.#sessions.delete(id);
    this.#sessionLost(id);
  }
}

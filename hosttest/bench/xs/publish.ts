/*
 * The cost of one reading: in the client and its session alone, and on the whole path from `append` to `settle`. Topic and payload are
 * those for which the goals were set, made in advance: `home/livingroom/temperature` and 31 bytes of JSON.
 */
import { Client, type Message } from "../../../src/mqtt/client.js";
import type { OutboundEntry, OutboundStore } from "../../../src/mqtt/delivery/store.js";
import { Broker5 } from "../../../src/mqtt/v5/broker5.js";
import { encodeTopicName } from "../../../src/mqtt/wire/topics.js";
import { encodeUTF8 } from "../../../src/mqtt/wire/utf8.js";
import { Outbox } from "../../../src/outbox/outbox.js";
import {
  advance,
  announceReadable,
  announceWritable,
  PlainFlash,
  readable,
  Socket,
  timers,
  uptimeMs,
} from "./harness.js";
import { allocated, type Cost, enter, leave, spent, spentIn } from "./meter.js";

const INTERVAL_MS = 10_000;
const PAYLOAD = encodeUTF8('{"value":21.44,"seq":123456789}');
const RECORD = Uint8Array.of(8, 1, 0, 0, 1, 2, 3, 4, 0x30, 0xd8, 0, 0); // the record of a reading in flash
const MESSAGE: Message = {
  topic: encodeTopicName("home/livingroom/temperature"),
  payload: PAYLOAD,
  payloadLength: PAYLOAD.length,
  retain: false,
};
const WARM_UP = 50;

/** A store of one entry, whose cost is not counted. */
class OneStore implements OutboundStore<OutboundEntry> {
  readonly #entry = { sequence: -1, qos: 1 as 1 | 2, released: false };
  #isOpen = false;
  nextSequence = 0;

  add(qos: 1 | 2): void {
    this.nextSequence++;
    this.#entry.sequence++;
    this.#entry.qos = qos;
    this.#entry.released = false;
    this.#isOpen = true;
  }
  seek(from: number): OutboundEntry | undefined {
    const entered = enter();
    const found = this.#isOpen && this.#entry.sequence >= from ? this.#entry : undefined;
    leave(entered);
    return found;
  }
  released(): void {
    const entered = enter();
    this.#entry.released = true;
    leave(entered);
  }
  settle(): void {
    const entered = enter();
    this.#isOpen = false;
    leave(entered);
  }
  requeue(): number {
    return 0;
  }
}

let settled = 0;

function connected<E extends OutboundEntry>(outbound: OutboundStore<E>, version: 4 | 5 = 4): Client<E> {
  const client = new Client<E>({
    ...(version === 5 ? { version5: Broker5, version } : {}),
    socket: { io: Socket },
    host: "127.0.0.1",
    port: 1883,
    id: "thermometer0123456789ab",
    timers,
    uptimeMs,
    random: () => 0.5,
    outbound,
    render(): Message {
      const entered = enter();
      leave(entered);
      return MESSAGE;
    },
    onSettled(): void {
      const entered = enter();
      settled++;
      leave(entered);
    },
  });
  client.start();
  announceWritable();
  while (readable() > 0) announceReadable();
  if (client.status().state !== "connected") throw new Error("not connected");
  return client;
}

/** Sends until everything is acknowledged, then runs what is due after the interval; returns the computrons. */
function exchange(wake: () => void): number {
  let computrons = spent(wake);
  while (readable() > 0) computrons += spent(announceReadable);
  const callback = advance(INTERVAL_MS);
  if (callback !== undefined) computrons += spentIn(callback);
  while (readable() > 0) computrons += spent(announceReadable);
  return computrons;
}

/** One reading at a time, `turns` times; the mean cost of one. */
function perTurn(turns: number, turn: () => number): Cost {
  let computrons = 0;
  for (let i = 0; i < WARM_UP; i++) turn();
  const settledBefore = settled;
  const memory = allocated(() => {
    for (let i = 0; i < turns; i++) computrons += turn();
  });
  if (settled - settledBefore !== turns) throw new Error(`${settled - settledBefore} settled, expected ${turns}`);
  return { computrons: computrons / turns, slots: memory.slots / turns, chunkBytes: memory.chunkBytes / turns };
}

/** Client and session: PUBLISH to the last acknowledgement. */
export function publishCost(qos: 1 | 2, turns: number, version?: 4 | 5): Cost {
  const store = new OneStore();
  const client = connected(store, version);
  const wake = (): void => client.wake();
  return perTurn(turns, () => {
    store.add(qos);
    return exchange(wake);
  });
}

/** The whole path except rendering: flash, client, session, including erases and block heads. `payload`: the record in flash. */
export function wholeWayCost(qos: 1 | 2, turns: number, payload: Uint8Array = RECORD): Cost {
  const outbox = new Outbox({ flash: new PlainFlash(32) });
  const client = connected(outbox);
  const work = (): void => {
    outbox.append(payload, qos);
    client.wake();
  };
  const idle = (): void => {
    outbox.idle();
  };
  return perTurn(turns, () => exchange(work) + spent(idle));
}

/** Two stages of the whole path: `append` alone, while entries accumulate; then `seek` and `settle` of these. `payload`: the record in flash. */
export function outboxCost(turns: number, payload: Uint8Array = RECORD): { append: Cost; settle: Cost } {
  const outbox = new Outbox({ flash: new PlainFlash(256) });
  let computrons = 0;
  const append = (): void => {
    outbox.append(payload, 1);
  };
  for (let i = 0; i < WARM_UP; i++) append();
  let memory = allocated(() => {
    for (let i = 0; i < turns; i++) computrons += spent(append);
  });
  const appended = mean(computrons, memory, turns);
  computrons = 0;
  let sequence = 0;
  const settle = (): void => {
    const entry = outbox.seek(sequence);
    if (entry === undefined) return;
    outbox.settle(entry.sequence);
    sequence = entry.sequence + 1;
  };
  memory = allocated(() => {
    for (let i = 0; i < turns; i++) computrons += spent(settle);
  });
  if (outbox.entries !== WARM_UP) throw new Error(`${outbox.entries} entries left, expected ${WARM_UP}`);
  return { append: appended, settle: mean(computrons, memory, turns) };
}

function mean(computrons: number, memory: { slots: number; chunkBytes: number }, turns: number): Cost {
  return { computrons: computrons / turns, slots: memory.slots / turns, chunkBytes: memory.chunkBytes / turns };
}

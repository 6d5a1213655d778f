/*
 * The transmit buffer keeps what it wrote, and writes again only what differs. Whatever the order of packets and the socket's room,
 * the bytes that leave are those that mqtt-packet makes of the same packets.
 */
import fc from "fast-check";
import { generate } from "mqtt-packet";
import { expect, test } from "vitest";
import { encodeTopicName } from "../../../src/mqtt/wire/topics.js";
import { type Message, Transmit } from "../../../src/mqtt/wire/transmit.js";

const TOPICS = ["t", "home/livingroom/temperature", `long/${"x".repeat(130)}`].map((name) => ({
  name,
  bytes: encodeTopicName(name),
}));

type Step =
  | { kind: "publish"; topic: number; qos: 0 | 1 | 2; dup: boolean; retain: boolean; length: number; id: number }
  | { kind: "pubrec" | "pubrel"; id: number }
  | { kind: "pingreq" }
  | { kind: "allow"; bytes: number };

const id = fc.integer({ min: 1, max: 65_535 });
const publish = fc.record({
  kind: fc.constant("publish" as const),
  topic: fc.constantFrom(0, 1, 1, 1, 1, 2),
  qos: fc.constantFrom(0, 1, 2, 2) as fc.Arbitrary<0 | 1 | 2>,
  dup: fc.constantFrom(false, false, false, true),
  retain: fc.constantFrom(false, false, false, true),
  length: fc.constantFrom(31, 31, 31, 31, 0, 400),
  id,
});
const acknowledgement = fc.record({ kind: fc.constantFrom("pubrec" as const, "pubrel" as const), id });
const allow = fc.record({ kind: fc.constant("allow" as const), bytes: fc.constantFrom(1, 5, 100, 2_000, 2_000) });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: publish },
    { weight: 3, arbitrary: acknowledgement },
    { weight: 1, arbitrary: fc.constant({ kind: "pingreq" as const }) },
    { weight: 6, arbitrary: allow },
  ),
  { maxLength: 40, size: "max" },
);

class Line {
  readonly sent: number[] = [];
  readonly expected: number[] = [];
  readonly out = new Transmit(256);
  #room = 0;
  #payload = 0;

  constructor() {
    this.allow(0); // an open socket, which takes nothing yet
  }

  take(step: Step): void {
    const { out } = this;
    if (step.kind === "allow") this.allow(step.bytes);
    else if (step.kind === "publish") this.#publish(step);
    else if (out.free < 4) return;
    else if (step.kind === "pingreq") {
      expect(out.packet(Uint8Array.of(0xc0, 0))).toBe(true);
      this.expected.push(...generate({ cmd: "pingreq" }));
    } else {
      out.acknowledgement((step.kind === "pubrec" ? 0x5002_0000 : 0x6202_0000) + step.id);
      this.expected.push(...generate({ cmd: step.kind, messageId: step.id }));
    }
  }

  allow(bytes: number): void {
    this.#room = bytes;
    const write = (view: Uint8Array): number => {
      expect(view.length).toBeLessThanOrEqual(this.#room);
      this.sent.push(...view);
      this.#room -= view.length;
      return this.#room;
    };
    this.out.socket = { read: () => 0, write, close: () => {} };
    this.out.writable = bytes;
    this.out.flush();
  }

  #publish(step: Extract<Step, { kind: "publish" }>): void {
    const { name, bytes } = TOPICS[step.topic];
    const qos = step.qos;
    const dup = step.dup && qos > 0;
    const payload = new Uint8Array(step.length).fill(this.#payload++);
    const message: Message = { topic: bytes, payload, payloadLength: step.length, retain: step.retain };
    const first = 0x30 | (dup ? 8 : 0) | (qos << 1) | (step.retain ? 1 : 0);
    const isTaken = qos ? this.out.publish(first, step.id, message) : this.out.publishAny(first, 0, message);
    if (!isTaken) {
      expect(this.out.end).toBeGreaterThan(0); // an empty buffer takes any
      return;
    }
    const packet = { topic: name, payload: Buffer.from(payload), qos, dup, retain: step.retain };
    this.expected.push(...generate({ cmd: "publish", ...packet, messageId: qos ? step.id : undefined }));
  }
}

test("a long message and a short one behind it: what one write in parts has taken is not written again", () => {
  const line = new Line();
  line.take({ kind: "publish", topic: 1, qos: 1, dup: false, retain: false, length: 400, id: 1 });
  line.allow(100);
  line.allow(2_000);
  expect([line.out.end, line.out.tail]).toEqual([0, undefined]);
  line.allow(2_000);
  line.take({ kind: "pubrel", id: 7 });
  line.allow(2_000);
  expect(line.sent).toEqual(line.expected);
  // A socket that ended the connection within a write, and the next one: nothing is left over.
  line.take({ kind: "pubrel", id: 8 });
  const { out } = line;
  out.socket = {
    read: () => 0,
    write: () => {
      out.close();
      return 0;
    },
    close: () => {},
  };
  out.writable = 4;
  out.flush();
  const message: Message = { topic: Uint8Array.of(97), payload: Uint8Array.of(1), payloadLength: 1, retain: false };
  expect([out.end, out.publish(0x32, 1, message)]).toEqual([0, false]);
});

test("any packets, any space: the bytes sent are those written, byte for byte", () => {
  fc.assert(
    fc.property(steps, (list) => {
      const line = new Line();
      for (const step of list) line.take(step);
      for (let turns = 0; line.out.end && turns < 10; turns++) line.allow(2_000);
      expect(line.sent).toEqual(line.expected);
    }),
    { numRuns: 1_000 },
  );
});

/* A stream with messages of any length, in pieces of any size: the long ones are skipped. */
import fc from "fast-check";
import { generate, type IPublishPacket, type Packet, parser } from "mqtt-packet";
import { expect, test } from "vitest";
import { MAX_SHOWN_BYTES, Skimmer } from "../../boards/desktop/network/skim.js";

const publish = (topic: string, bytes: number): IPublishPacket => ({
  cmd: "publish",
  topic,
  payload: Buffer.alloc(bytes, 0x30),
  qos: 0,
  dup: false,
  retain: false,
});

const packet: fc.Arbitrary<Packet> = fc.oneof(
  fc.constant<Packet>({ cmd: "pingresp" }),
  fc.constant<Packet>({ cmd: "suback", messageId: 7, granted: [0] }),
  fc
    .record({ topic: fc.constantFrom("home/a/temperature", "home/ü/temperature"), bytes: fc.nat(300) })
    .map(({ topic, bytes }) => publish(topic, bytes)),
  fc.integer({ min: -40, max: 40 }).map((off) => publish("home/long/temperature", MAX_SHOWN_BYTES + off)),
);

test("short messages arrive unchanged, long ones are replaced by their length", () => {
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 12 }), fc.array(fc.integer({ min: 1, max: 50_000 })), (packets, cuts) => {
      const skipped: [string, number][] = [];
      const skimmer = new Skimmer((topic, bytes) => skipped.push([topic, bytes]));
      const stream = Buffer.concat(packets.map((one) => generate(one)));
      const passed: Uint8Array[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const end = at + (cuts[turn % cuts.length] ?? stream.length);
        passed.push(...skimmer.take(stream.subarray(at, end)));
        at = end;
      }
      const length = (one: Packet) =>
        one.cmd === "publish" ? 2 + Buffer.byteLength(one.topic) + one.payload.length : 0;
      const isLong = (one: Packet) => length(one) > MAX_SHOWN_BYTES;
      const short = packets.filter((one) => !isLong(one));
      expect(Buffer.concat(passed).equals(Buffer.concat(short.map((one) => generate(one))))).toBe(true);
      expect(skipped).toEqual(packets.filter(isLong).map((one) => [(one as IPublishPacket).topic, length(one)]));
    }),
    { numRuns: 60 },
  );
});

test("a message of the largest length that MQTT has costs nothing to pass over", () => {
  const skipped: [string, number][] = [];
  const skimmer = new Skimmer((topic, bytes) => skipped.push([topic, bytes]));
  const MAX_LENGTH = 268_435_455;
  expect(skimmer.take(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f, 0, 3, 0x61, 0x2f, 0x62))).toEqual([]);
  const piece = new Uint8Array(65_536);
  let rest = MAX_LENGTH - 5;
  for (; rest > piece.length; rest -= piece.length) expect(skimmer.take(piece)).toEqual([]);
  const ping = Uint8Array.of(0xd0, 0);
  expect(skimmer.take(Buffer.concat([new Uint8Array(rest), ping]))).toEqual([ping]);
  expect(skipped).toEqual([["a/b", MAX_LENGTH]]);
});

test("invalid packets are passed to the client, which reports them", () => {
  const skimmer = new Skimmer(() => {});
  const wrong = Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
  const out = Buffer.concat(skimmer.take(wrong));
  const problems: Error[] = [];
  const client = parser();
  client.on("error", (error) => problems.push(error));
  client.parse(out);
  expect(problems).toHaveLength(1);
});

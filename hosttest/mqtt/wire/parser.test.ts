/*
 * The parser: every split of a stream, memory that is fixed, and for each thing a server must not send an error that names packet and
 * fault. Seen through the client, which closes (4.8.0-1).
 */
import { describe, expect, test } from "vitest";
import { Parser } from "../../../src/mqtt/wire/parser.js";
import { feed, Notes } from "../support/notes.js";
import { bytesOf } from "../support/scripted-peer.js";
import { CONNACK_NEW, Setup } from "../support/setup.js";

describe("streams", () => {
  const STREAM =
    bytesOf(`20 02 00 00  40 02 00 01  50 02 12 34  62 02 00 02  70 02 ff ff  90 03 00 09 80  b0 02 00 0a  d0 00
    30 03 00 01 61  32 0c 00 03 61 2f 62 00 05 68 65 6c 6c 6f  34 05 00 01 61 00 06  40 02 00 03`);
  const WHOLE = [
    "connack false 0",
    "ack 4 1",
    "ack 5 4660",
    "ack 6 2",
    "ack 7 65535",
    "ack 9 9 128",
    "ack 11 10",
    "pingresp",
    "publish a 0 0 0",
    "published 0",
    "publish a/b 1 5 5",
    "published 5",
    "publish a 2 6 0",
    "published 0",
    "ack 4 3",
  ];

  test("a stream of every packet that a server may send, in one piece", () => {
    const receive = new Uint8Array(1_024);
    const notes = new Notes();
    expect(feed(new Parser(notes, notes, receive, 64), receive, STREAM)).toBeUndefined();
    expect(notes.lines).toEqual(WHOLE);
  });

  test("the same in pieces of every size, and cut in two at every byte", () => {
    const receive = new Uint8Array(1_024);
    for (let size = 1; size < STREAM.length; size++) {
      const notes = new Notes();
      const parser = new Parser(notes, notes, receive, 64);
      for (let at = 0; at < STREAM.length; at += size) feed(parser, receive, STREAM.subarray(at, at + size));
      expect(notes.lines, `pieces of ${size}`).toEqual(WHOLE);
      const halves = new Notes();
      const other = new Parser(halves, halves, receive, 64);
      feed(other, receive, STREAM.subarray(0, size));
      feed(other, receive, STREAM.subarray(size));
      expect(halves.lines, `cut at ${size}`).toEqual(WHOLE);
    }
  });

  test("an end by a reader ends the parsing in the middle of a piece", () => {
    const receive = new Uint8Array(64);
    const notes = new Notes();
    const parser = new Parser(notes, notes, receive, 8);
    notes.connack = () => {
      parser.end();
      return undefined;
    };
    expect(feed(parser, receive, bytesOf("20 02 00 00 40 02 00 01"))).toBeUndefined();
    expect(notes.lines).toEqual([]);
  });

  test("a message of 1 MB streams through a buffer of 1 KB, and is acknowledged at its end", () => {
    let bytes = 0;
    let largest = 0;
    let isLast = false;
    const setup = new Setup({
      bufferLength: 1_024,
      onMessage: ({ offsetBytes, payload, totalBytes, last }) => {
        expect([offsetBytes, totalBytes]).toEqual([bytes, 1_000_000]);
        bytes += payload.length;
        largest = Math.max(largest, payload.length);
        isLast = last;
      },
    });
    setup.connect(CONNACK_NEW);
    setup.link.give("32 c5 84 3d 00 01 61 00 09"); // remaining length 1,000,005
    for (let sent = 0; sent < 1_000_000; sent += 5_000) {
      expect(setup.take()).toBe("");
      setup.link.giveBytes(new Uint8Array(5_000));
    }
    expect([bytes, isLast]).toEqual([1_000_000, true]);
    expect(largest).toBeLessThanOrEqual(1_024);
    expect(setup.take()).toBe("40 02 00 09");
  });

  test("a length field of 256 MB costs nothing but the header", () => {
    const setup = new Setup({ bufferLength: 256 });
    setup.connect(CONNACK_NEW);
    const before = process.memoryUsage().arrayBuffers;
    setup.link.give("30 ff ff ff 7f 00 01 61 78");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(65_536);
    expect(setup.errors).toEqual([]);
    expect(setup.received).toEqual([]); // it waits for the rest, and keeps nothing
  });

  test("remaining length at every border: 127, 128, 16,383, 16,384, 2,097,151, 2,097,152", () => {
    for (const remaining of [127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) {
      const receive = new Uint8Array(65_536);
      const notes = new Notes();
      const parser = new Parser(notes, notes, receive, 8);
      const field: number[] = [];
      for (let rest = remaining; ; rest >>= 7) {
        field.push(rest >= 0x80 ? (rest & 0x7f) | 0x80 : rest);
        if (rest < 0x80) break;
      }
      feed(parser, receive, Uint8Array.of(0x20, 2, 0, 0, 0x30, ...field, 0, 1, 0x61));
      for (let left = remaining - 3; left > 0; left -= 65_536) parser.feed(Math.min(left, 65_536));
      expect(notes.lines.slice(1)).toEqual([`publish a 0 0 ${remaining - 3}`, `published ${remaining - 3}`]);
    }
  });
});

describe("what a server must not send closes the connection, with packet and fault in the error", () => {
  test.each([
    ["00 00", "0: from a server"],
    ["10 00", "CONNECT: from a server"],
    ["82 00", "SUBSCRIBE: from a server"],
    ["a2 00", "UNSUBSCRIBE: from a server"],
    ["c0 00", "PINGREQ: from a server"],
    ["e0 00", "DISCONNECT: from a server"],
    ["f0 00", "AUTH: from a server"],
    ["20 02 00 00", "CONNACK: twice (3.2.0-1)"],
    ["41 02 00 01", "PUBACK: flags 1 (2.2.2-2)"],
    ["52 02 00 01", "PUBREC: flags 2 (2.2.2-2)"],
    ["60 02 00 01", "PUBREL: flags 0 (2.2.2-2)"],
    ["6a 02 00 01", "PUBREL: flags 10 (2.2.2-2)"],
    ["78 02 00 01", "PUBCOMP: flags 8 (2.2.2-2)"],
    ["9f 03 00 01 00", "SUBACK: flags 15 (2.2.2-2)"],
    ["b4 02 00 01", "UNSUBACK: flags 4 (2.2.2-2)"],
    ["d1 00", "PINGRESP: flags 1 (2.2.2-2)"],
    ["36 06 00 01 61 00 01 78", "PUBLISH: QoS 3 (3.3.1-4)"],
    ["38 04 00 01 61 78", "PUBLISH: DUP at QoS 0 (3.3.1-2)"],
    ["30 ff ff ff ff 01", "PUBLISH: length field over 4 bytes"],
    ["30 02 00 00", "PUBLISH: length 2"],
    ["32 04 00 01 61 00", "PUBLISH: length 4"],
    ["30 03 00 00 61", "PUBLISH: empty topic (4.7.3-1)"],
    ["30 03 00 02 61", "PUBLISH: topic beyond its end"],
    ["32 05 00 02 61 62 00", "PUBLISH: topic beyond its end"],
    ["32 05 00 01 61 00 00", "PUBLISH: packet id 0 (2.3.1-1)"],
    ["30 03 00 01 2b", "PUBLISH: wildcard in a topic name (3.3.2-2, 4.7.1-1)"],
    ["30 05 00 03 61 2f 23", "PUBLISH: wildcard in a topic name (3.3.2-2)"],
    ["30 03 00 01 00", "PUBLISH: topic is not UTF-8 (1.5.3-2)"],
    ["30 03 00 01 80", "PUBLISH: topic is not UTF-8 (1.5.3-1)"],
    ["30 04 00 02 c0 80", "PUBLISH: topic is not UTF-8 (1.5.3-1)"],
    ["30 05 00 03 ed a0 80", "PUBLISH: topic is not UTF-8 (1.5.3-1)"],
    ["30 06 00 04 f4 90 80 80", "PUBLISH: topic is not UTF-8 (1.5.3-1)"],
    ["30 05 00 03 61 e2 82", "PUBLISH: topic is not UTF-8 (1.5.3-1)"],
    ["30 80 08 02 ff", "PUBLISH: topic of 767 bytes"],
    ["40 03 00 01 00", "PUBACK: length 3"],
    ["40 00", "PUBACK: length 0"],
    ["40 82 00 00 00", "PUBACK: packet id 0"],
    ["40 02 00 00", "PUBACK: packet id 0 (2.3.1-1)"],
    ["62 02 00 00", "PUBREL: packet id 0 (2.3.1-1)"],
    ["90 03 00 00 00", "SUBACK: packet id 0 (2.3.1-1)"],
    ["90 02 00 01", "SUBACK: length 2 (3.8.4-5)"],
    ["90 04 00 01 00 00", "SUBACK: length 4 (3.8.4-5)"],
    ["90 03 f0 01 03", "SUBACK: return code 3 (3.9.3-2)"],
    ["b0 02 00 00", "UNSUBACK: packet id 0 (2.3.1-1)"],
    ["d0 01 00", "PINGRESP: length 1"],
  ])("%s: %s", (hex, message) => {
    for (const inBytes of [false, true]) {
      const setup = new Setup();
      setup.connect(CONNACK_NEW);
      if (!inBytes) setup.link.give(hex);
      else for (const byte of bytesOf(hex)) setup.link.giveBytes([byte]);
      expect(setup.errors).toMatchObject([{ kind: "protocol", message: message.replace(/ \(.*/, "") }]);
      expect(setup.link.isClosed).toBe(true);
      expect(setup.states.at(-1)).toBe("waiting");
      expect(setup.take()).toBe("");
    }
  });

  test.each([
    ["40 02 00 01", "not an MQTT broker: it sent 40 02 00 01 (3.2.0-1)"],
    ["d0 00", "not an MQTT broker: it sent d0 00 (3.2.0-1)"],
    ["00", "not an MQTT broker: it sent 00 (3.2.0-1)"],
    ["30 03 00 01 61", "not an MQTT broker: it sent 30 03 00 01 (3.2.0-1)"],
    [
      Buffer.from("HTTP/1.1 400 Bad Request\r\n").toString("hex"),
      'not an MQTT broker: it sent "HTTP/1.1 400 Bad Request"',
    ],
    ["1b 5b 32 4a", "not an MQTT broker: it sent 1b 5b 32 4a"],
    ["15 03 01 00 02 02 0a", "not an MQTT broker: it requires TLS"],
    ["21 02 00 00", "not an MQTT broker: it sent 21 02 00 00 (2.2.2-2)"],
    ["20 02 02 00", "CONNACK: flags 2 (2.2.2-2)"],
    ["20 02 00 06", "CONNACK: return code 6"],
    ["20 02 01 05", "CONNACK: session present, yet refused (3.2.2-4)"],
    ["20 03 00 00 00", "CONNACK: length 3"],
  ])("instead of the CONNACK, %s: %s", (hex, message) => {
    const setup = new Setup();
    setup.connect(hex);
    expect(setup.errors).toMatchObject([{ kind: "protocol", message: message.replace(/ \(.*/, "") }]);
    expect(setup.link.isClosed).toBe(true);
  });

  test("a server that talks first is closed", () => {
    const setup = new Setup();
    setup.client.start();
    setup.link.give(CONNACK_NEW);
    expect(setup.errors).toMatchObject([{ kind: "protocol", message: "not an MQTT broker: it sends first" }]);
    expect(setup.link.isClosed).toBe(true);
  });
});

/*
 * The parser of version 5 against bytes written by hand from the standard: every packet of a server's, every split, properties of any
 * length in memory that is fixed, and for each thing that a server must not send an error that names packet and fault.
 */
import { describe, expect, test } from "vitest";
import { Parser5 } from "../../../src/mqtt/v5/parser5.js";
import { feed, feedInPieces, Notes } from "../support/notes.js";
import { bytesOf, field, hexOf } from "../support/scripted-peer.js";

const CONNACK = "20 03 00 00 00";

interface Fed {
  lines: string[];
  fault: string | undefined;
}

/** Feeds bytes to a new parser, whole or in pieces. */
function parse(hex: string, { sizes = [1_000_000], longestTopic = 64, max = 0xffff_ffff } = {}): Fed {
  const receive = new Uint8Array(8_192);
  const notes = new Notes();
  const parser = new Parser5(notes, notes, receive, longestTopic, max);
  return { fault: feedInPieces(parser, receive, bytesOf(hex), sizes), lines: notes.lines };
}

/** What comes after a CONNACK. */
function later(hex: string, options?: Parameters<typeof parse>[1]): Fed {
  const { lines, fault } = parse(CONNACK + hex, options);
  return { lines: lines.slice(1), fault };
}

/** Number of bytes that follow, in one byte, before them. */
function counted(hex: string): string {
  return `${hexOf([bytesOf(hex).length])} ${hex}`;
}

const USER = `26 ${field("k")} ${field("v")}`;

describe("streams", () => {
  const STREAM = `20 ${counted(
    `00 00 ${counted(`11 00 01 51 80  21 00 14  24 01  25 00  27 00 1e 84 80  12 ${field("id")}  22 00 0a
      ${USER} ${USER} 28 01 29 00 2a 01  13 00 3c  1f ${field("hi")}  1c ${field("other")}`)}`,
  )}
    40 02 00 01   50 03 12 34 97   62 04 00 02 92 00   70 ${counted(`ff ff 00 ${counted(`1f ${field("why")} ${USER}`)}`)}
    90 04 00 09 00 87   b0 ${counted(`00 0a ${counted(USER)} 11`)}   d0 00
    30 04 00 01 61 00   32 ${counted("00 03 61 2f 62 00 05 00 68 65 6c 6c 6f")}
    35 ${counted(
      `00 01 61 00 06 ${counted(`01 01  02 00 00 0e 10  03 ${field("text")}  08 ${field("r/1")}  09 00 03 00 01 ff
      0b 80 01  0b 05  ${USER}`)} 78 79`,
    )}
    40 ${counted(`00 03 10 ${counted(`1f ${field("no one")}`)}`)}
    e0 ${counted(`8e ${counted(`1f ${field("bye")}`)}`)}`;
  const WHOLE = [
    'connack false 0 {"sessionExpiryS":86400,"receiveMaximum":20,"maxQoS":1,"retainAvailable":0,"maxPacketBytes":2000000,"assignedId":"id",' +
      '"aliasMaximum":10,"wildcardAvailable":1,"subscriptionIdAvailable":0,"sharedAvailable":1,"serverKeepAliveS":60,"reason":"hi","serverReference":"other"}',
    "ack 4 1",
    "ack 5 4660 151",
    "ack 6 2 146",
    "ack 7 65535 why",
    "ack 9 9 135",
    "ack 11 10 17",
    "pingresp",
    "publish a 0 0 0",
    "published 0",
    "publish a/b 1 5 5",
    "published 5",
    'publish a 2 6 2 {"payloadFormat":1,"messageExpiryS":3600,"contentType":"text","responseTopic":"r/1","correlationData":[0,1,255],"subscriptionId":5}',
    "published 2",
    "ack 4 3 16 no one",
    'disconnected 142 {"reason":"bye"}',
  ];

  test("a stream of every packet that a server may send, in one piece", () => {
    expect(parse(STREAM)).toEqual({ lines: WHOLE, fault: undefined });
  });

  test("the same in pieces of every size, and cut in two at every byte", () => {
    const length = bytesOf(STREAM).length;
    for (let size = 1; size < length; size++) {
      expect(parse(STREAM, { sizes: [size] }).lines, `pieces of ${size}`).toEqual(WHOLE);
      expect(parse(STREAM, { sizes: [size, length] }).lines, `cut at ${size}`).toEqual(WHOLE);
    }
  });

  test("acknowledgements of 2, 3 and more bytes: a code that is left out is success, so are properties (5: 3.4.2-1)", () => {
    for (const [first, type] of [
      ["40", 4],
      ["50", 5],
      ["62", 6],
      ["70", 7],
    ]) {
      expect(later(`${first} 02 00 07`).lines).toEqual([`ack ${type} 7`]);
      expect(later(`${first} 03 00 07 00`).lines).toEqual([`ack ${type} 7`]);
      expect(later(`${first} 04 00 07 00 00`).lines).toEqual([`ack ${type} 7`]);
      expect(later(`${first} ${counted(`00 07 92 ${counted(`1f ${field("no")}`)}`)}`).lines).toEqual([
        `ack ${type} 7 146 no`,
      ]);
    }
  });

  test("DISCONNECT of 0, 1 and more bytes ends the stream: what follows is not read", () => {
    expect(later("e0 00 d0 00").lines).toEqual(["disconnected 0 {}"]);
    expect(later("e0 01 8b d0 00").lines).toEqual(["disconnected 139 {}"]);
    expect(later("e0 02 8b 00 d0 00").lines).toEqual(["disconnected 139 {}"]);
    expect(later(`e0 ${counted(`9c ${counted(`1c ${field("b2:1883")}`)}`)}`).lines).toEqual([
      'disconnected 156 {"serverReference":"b2:1883"}',
    ]);
  });

  test("codes below 128 that the standard does not know are successes, and passed on (5: 3.4.2-1, 3.5.2-1, 3.6.2-1, 3.7.2-1, 3.11.3-2, 3.14.2-1)", () => {
    expect(
      later("40 03 00 01 01 50 03 00 01 11 62 03 00 01 10 70 03 00 01 10 b0 04 00 01 00 10 e0 01 04").lines,
    ).toEqual(["ack 4 1 1", "ack 5 1 17", "ack 6 1 16", "ack 7 1 16", "ack 11 1 16", "disconnected 4 {}"]);
  });

  test("U+FEFF is a character, in a property as in a topic (5: 1.5.4-3)", () => {
    expect(later(`30 ${counted(`00 03 ef bb bf ${counted("03 00 04 ef bb bf 61")}`)}`).lines[0]).toBe(
      'publish \ufeff 0 0 0 {"contentType":"\ufeffa"}',
    );
  });

  test("CONNACK in 3.1.1's form, of two bytes, refuses as a server of that version", () => {
    for (const code of [1, 2, 3, 4, 5]) expect(parse(`20 02 00 0${code}`).lines).toEqual([`connack false ${code}`]);
    expect(parse("20 02 00 00")).toEqual({ lines: [], fault: "CONNACK: reason code 0" });
    expect(parse("20 02 00 86")).toEqual({ lines: [], fault: "CONNACK: reason code 134" });
    expect(parse("20 03 00 86 00").lines).toEqual(["connack false 134 {}"]);
  });
});

describe("memory is fixed, for packets of any length", () => {
  const LONG = "78".repeat(300);
  const long = (id: string) => `${id} 01 2c ${LONG}`; // 300 bytes

  test("a reason is cut, at the end of a character; later fields are not", () => {
    expect(later(`40 b4 02 00 01 87 af 02 ${long("1f")} 40 02 00 02`, { longestTopic: 12 }).lines).toEqual([
      `ack 4 1 135 ${"x".repeat(15)}`, // of memory for 16 bytes
      "ack 4 2",
    ]);
    const euros = "e2 82 ac".repeat(10);
    expect(later(`40 ${counted(`00 01 87 ${counted(`1f 00 1e ${euros}`)}`)}`, { longestTopic: 12 }).lines).toEqual([
      "ack 4 1 135 €€€€€",
    ]);
  });

  test("content type, response topic, correlation data that are too long count as not sent; user properties are skipped", () => {
    const block = `${long("03")} ${long("08")} ${long("09")} 26 01 2c ${LONG} 01 2c ${LONG} 02 00 00 00 05`;
    const length = bytesOf(block).length;
    expect(length).toBe(1_519); // two bytes of length field
    const property = `${hexOf([(length & 0x7f) | 0x80, length >> 7])} ${block}`;
    const rest = bytesOf(`00 01 61 00 09 ${property} 7a`);
    const packet = `32 ${hexOf([(rest.length & 0x7f) | 0x80, rest.length >> 7])} ${hexOf(rest)}`;
    for (const sizes of [[1_000], [7]])
      expect(later(`${packet} d0 00`, { longestTopic: 12, sizes })).toEqual({
        lines: ['publish a 1 9 1 {"messageExpiryS":5}', "published 1", "pingresp"],
        fault: undefined,
      });
  });

  test("a PUBLISH above Maximum Packet Size is skipped and reported, its end included; one of exactly that size is delivered (5: 3.1.2-24)", () => {
    const whole = `34 ${counted(`00 01 61 00 08 00 ${"78".repeat(24)}`)}`; // 32 bytes
    expect(bytesOf(whole).length).toBe(32);
    for (const sizes of [[1_000], [1], [9]]) {
      expect(later(`${whole} d0 00`, { max: 32, sizes }).lines).toEqual([
        "publish a 2 8 24",
        "published 24",
        "pingresp",
      ]);
      expect(later(`${whole} d0 00`, { max: 31, sizes }).lines).toEqual(["skipped 2 8", "pingresp"]);
      expect(later(`30 06 00 01 61 00 78 79 d0 00`, { max: 7, sizes }).lines).toEqual(["skipped 0 0", "pingresp"]);
    }
  });

  test("a PUBLISH with a longer topic is skipped, too; a length of 256 MB costs nothing", () => {
    const topic = (length: number) => `00 ${hexOf([length])} ${"61".repeat(length)}`;
    expect(later(`32 ${counted(`${topic(12)} 00 05 00 78`)} d0 00`, { longestTopic: 12 }).lines[0]).toMatch(
      /^publish a{12} 1 5 1/,
    );
    for (const sizes of [[1_000], [1]])
      expect(later(`32 ${counted(`${topic(13)} 00 05 00 78`)} d0 00`, { longestTopic: 12, sizes }).lines).toEqual([
        "skipped 1 5",
        "pingresp",
      ]);
    expect(later("30 ff ff ff 7f 00 01 61 ff ff ff 3f")).toEqual({ lines: [], fault: undefined });
  });
});

describe("what a server must not send is a fault, with its packet in the text", () => {
  test.each([
    ["10 00", "CONNECT: from a server"],
    ["82 00", "SUBSCRIBE: from a server"],
    ["a2 00", "UNSUBSCRIBE: from a server"],
    ["c0 00", "PINGREQ: from a server"],
    ["f0 00", "AUTH: from a server (5: 4.12.0-6)"],
    ["f0 02 18 00", "AUTH: from a server (5: 4.12.0-6)"],
    ["e1 00", "DISCONNECT: from a server (5: 2.1.3-1, 3.14.1-1)"],
    ["20 03 00 00 00", "CONNACK: twice (5: 3.2.0-2)"],
    ["41 02 00 01", "PUBACK: flags 1 (5: 2.1.3-1)"],
    ["60 02 00 01", "PUBREL: flags 0 (5: 2.1.3-1, 3.6.1-1)"],
    ["36 07 00 01 61 00 01 00 78", "PUBLISH: QoS 3 (5: 3.3.1-4)"],
    ["38 04 00 01 61 00", "PUBLISH: DUP at QoS 0 (5: 3.3.1-2)"],
    ["30 ff ff ff ff 01", "PUBLISH: length field over 4 bytes"],
    ["30 03 00 01 61", "PUBLISH: length 3"],
    ["32 05 00 01 61 00 01", "PUBLISH: length 5"],
    ["30 04 00 00 00 61", "PUBLISH: empty topic"],
    ["30 04 00 02 61 62", "PUBLISH: topic beyond its end"],
    ["32 06 00 02 61 62 00 01", "PUBLISH: topic beyond its end"],
    ["32 06 00 01 61 00 00 00", "PUBLISH: packet id 0 (5: 2.2.1-4)"],
    [`32 ${counted(`00 41 ${"61".repeat(65)} 00 00 00`)}`, "PUBLISH: packet id 0 (5: 2.2.1-4)"],
    ["30 04 00 01 2b 00", "PUBLISH: wildcard in a topic name (5: 3.3.2-2)"],
    ["30 04 00 01 00 00", "PUBLISH: topic is not UTF-8 (5: 1.5.4-2)"],
    ["30 04 00 01 80 00", "PUBLISH: topic is not UTF-8 (5: 1.5.4-1)"],
    ["30 06 00 01 61 02 01 02", "PUBLISH: payloadFormat 2: expected 0 to 1"],
    ["30 07 00 01 61 03 23 00 01", "PUBLISH: property 35 (5: 3.1.2-26, 3.1.2-27, 3.3.2-11)"], // a topic alias, which was not offered
    ["30 05 00 01 61 01 7f", "PUBLISH: property 127"],
    ["30 06 00 01 61 02 24 01", "PUBLISH: property maxQoS"],
    ["30 06 00 01 61 02 0b 00", "PUBLISH: subscriptionId 0: expected 1 to 268435455"],
    ["30 09 00 01 61 05 0b ff ff ff ff", "PUBLISH: properties beyond their end"],
    ["30 06 00 01 61 02 0b 80", "PUBLISH: properties beyond their end"],
    ["30 05 00 01 61 02 01", "PUBLISH: properties beyond their end"],
    ["30 04 00 01 61 80", "PUBLISH: properties beyond their end"],
    ["30 09 00 01 61 80 80 80 80 01", "PUBLISH: properties beyond their end"],
    ["30 06 00 01 61 01 02 00", "PUBLISH: properties beyond their end"],
    ["30 07 00 01 61 03 03 00 01", "PUBLISH: properties beyond their end"],
    ["30 08 00 01 61 04 26 00 00 00", "PUBLISH: properties beyond their end"],
    ["30 08 00 01 61 04 01 00 01 01", "PUBLISH: payloadFormat twice"],
    [`30 ${counted(`00 01 61 ${counted(`08 ${field("a/+")}`)}`)}`, "PUBLISH: wildcard in a topic name (5: 3.3.2-14)"],
    ["30 09 00 01 61 05 08 00 02 c3 28", "PUBLISH: responseTopic is not UTF-8 (5: 3.3.2-13)"],
    ["30 08 00 01 61 04 03 00 01 ff", "PUBLISH: contentType is not UTF-8 (5: 3.3.2-19)"],
    ["40 01 00", "PUBACK: length 1"],
    ["40 00", "PUBACK: length 0"],
    ["40 02 00 00", "PUBACK: packet id 0 (5: 2.2.1-5)"],
    ["40 05 00 01 00 00 00", "PUBACK: bytes after its properties"],
    ["40 06 00 01 00 02 01 01", "PUBACK: property payloadFormat"],
    ["40 05 00 01 00 02 1f", "PUBACK: properties beyond their end"],
    [`40 ${counted(`00 01 00 ${counted(`1f ${field("a")} 1f ${field("b")}`)}`)}`, "PUBACK: reason twice"],
    ["40 08 00 01 00 04 1f 00 01 ff", "PUBACK: reason is not UTF-8 (5: 1.5.4-1)"],
    ["90 03 00 01 00", "SUBACK: length 3"],
    ["90 05 00 01 00 00 00", "SUBACK: 2 reason codes (5: 3.8.4-6)"],
    ["90 05 00 01 02 1f 00", "SUBACK: properties beyond their end"],
    ["90 04 00 01 00 03", "SUBACK: reason code 3 (5: 3.9.3-2)"],
    ["90 04 00 00 00 00", "SUBACK: packet id 0"],
    ["b0 03 00 01 00", "UNSUBACK: length 3"],
    ["b0 06 00 01 00 00 00 00", "UNSUBACK: 3 reason codes (5: 3.11.3-1)"],
    ["d0 01 00", "PINGRESP: length 1"],
    ["e0 07 80 05 11 00 00 00 01", "DISCONNECT: property sessionExpiryS (5: 3.14.2-2)"],
  ])("%s: %s", (hex, message) => {
    const fault = message.replace(/ \([^)]*\)$/, "");
    for (const sizes of [[1_000], [1]]) expect(later(hex, { sizes })).toEqual({ lines: [], fault });
  });

  test.each([
    ["d0 00", "PINGRESP: before CONNACK (5: 3.2.0-1)"],
    ["e0 00", "DISCONNECT: before CONNACK (5: 3.14.0-1)"],
    ["f0 00", "AUTH: before CONNACK"],
    ["20 01 00", "CONNACK: length 1"],
    ["20 03 02 00 00", "CONNACK: flags 2 (5: 3.2.2-1)"],
    ["20 03 00 01 00", "CONNACK: reason code 1 (5: 3.2.2-8)"],
    ["20 03 00 7f 00", "CONNACK: reason code 127 (5: 3.2.2-8)"],
    ["20 03 01 87 00", "CONNACK: session present, yet refused (5: 3.2.2-6)"],
    ["20 06 00 00 03 21 00 00", "CONNACK: receiveMaximum 0: expected 1 to 65535"],
    ["20 08 00 00 05 27 00 00 00 00", "CONNACK: maxPacketBytes 0: expected 1 to 4294967295"],
    ["20 05 00 00 02 24 02", "CONNACK: maxQoS 2: expected 0 to 1"],
    ["20 05 00 00 02 25 02", "CONNACK: retainAvailable 2: expected 0 to 1"],
    ["20 07 00 00 04 24 01 24 01", "CONNACK: maxQoS twice"],
    [`20 ${counted(`00 00 ${counted(`15 ${field("SCRAM")}`)}`)}`, "CONNACK: property 21 (5: 4.12.0-6)"],
    [`20 ${counted(`00 00 ${counted(`1a ${field("r")}`)}`)}`, "CONNACK: property 26 (5: 3.1.2-28)"],
    ["20 05 00 00 03 01 00", "CONNACK: properties beyond their end"],
    ["20 04 00 00 00 00", "CONNACK: bytes after its properties"],
  ])("instead of the CONNACK, %s: %s", (hex, message) => {
    const fault = message.replace(/ \([^)]*\)$/, "");
    for (const sizes of [[1_000], [1]]) expect(parse(hex, { sizes })).toEqual({ lines: [], fault });
  });

  test("an end by a reader ends the parsing in the middle of a piece", () => {
    const receive = new Uint8Array(64);
    const notes = new Notes();
    const parser = new Parser5(notes, notes, receive, 8);
    notes.connack = () => {
      parser.end();
      return undefined;
    };
    expect(feed(parser, receive, bytesOf(`${CONNACK} 40 02 00 01`))).toBeUndefined();
    expect(notes.lines).toEqual([]);
  });
});

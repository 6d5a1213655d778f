/*
 * Packets of version 5 as a server sends them, in mqtt-packet's terms, and the calls expected of a parser.
 */
import fc from "fast-check";
import type { Packet } from "mqtt-packet";
import type { Properties } from "../../../src/mqtt/wire/properties.js";

/** mqtt-packet's names of properties, by ours. */
const THEIRS: Readonly<Record<keyof Properties, string>> = {
  payloadFormat: "payloadFormatIndicator",
  messageExpiryS: "messageExpiryInterval",
  contentType: "contentType",
  responseTopic: "responseTopic",
  correlationData: "correlationData",
  subscriptionId: "subscriptionIdentifier",
  sessionExpiryS: "sessionExpiryInterval",
  assignedId: "assignedClientIdentifier",
  serverKeepAliveS: "serverKeepAlive",
  serverReference: "serverReference",
  reason: "reasonString",
  receiveMaximum: "receiveMaximum",
  aliasMaximum: "topicAliasMaximum",
  maxQoS: "maximumQoS",
  retainAvailable: "retainAvailable",
  maxPacketBytes: "maximumPacketSize",
  wildcardAvailable: "wildcardSubscriptionAvailable",
  subscriptionIdAvailable: "subscriptionIdentifiersAvailable",
  sharedAvailable: "sharedSubscriptionAvailable",
};
const BOOLEANS = [
  "payloadFormat",
  "retainAvailable",
  "wildcardAvailable",
  "subscriptionIdAvailable",
  "sharedAvailable",
];

/** Properties in mqtt-packet's terms. */
export function theirs(properties: Properties): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      THEIRS[name as keyof Properties],
      BOOLEANS.includes(name) ? value === 1 : value instanceof Uint8Array ? Buffer.from(value) : value,
    ]),
  );
}

export interface ServerPacket {
  readonly packet: Packet;
  /** As Notes records it. */
  readonly lines: readonly string[];
}

const flag = fc.constantFrom(0, 1);
const int16 = fc.integer({ min: 0, max: 65_535 });
const positive16 = fc.integer({ min: 1, max: 65_535 });
const int32 = fc.integer({ min: 0, max: 0xffff_ffff });
const positive32 = fc.integer({ min: 1, max: 0xffff_ffff });
export const text = fc.stringMatching(/^[a-zé/€]{0,12}$/); // 36 bytes at most
export const topic = fc.stringMatching(/^[a-zé/€]{1,12}$/);
const userProperties = fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), text, { maxKeys: 3 });
export const packetId = positive16;

const connackProperties = fc.record(
  {
    sessionExpiryS: int32,
    receiveMaximum: positive16,
    maxQoS: flag,
    retainAvailable: flag,
    maxPacketBytes: positive32,
    assignedId: text,
    aliasMaximum: int16,
    reason: text,
    wildcardAvailable: flag,
    subscriptionIdAvailable: flag,
    sharedAvailable: flag,
    serverKeepAliveS: int16,
    serverReference: text,
  },
  { requiredKeys: [] },
);

/** Of a PUBLISH. */
export const messageProperties = fc.record(
  {
    payloadFormat: flag,
    messageExpiryS: int32,
    contentType: text,
    responseTopic: topic,
    correlationData: fc.uint8Array({ maxLength: 20 }),
    subscriptionId: fc.integer({ min: 1, max: 0xfff_ffff }),
  },
  { requiredKeys: [] },
);

const reasonOnly = fc.record({ reason: text }, { requiredKeys: [] });

/** Properties as Notes shows them; their order is mqtt-packet's. */
function shown(properties: Properties): Record<string, unknown> {
  return JSON.parse(JSON.stringify(properties, (_, value) => (value instanceof Uint8Array ? [...value] : value)));
}

/** A line, with properties in the order of their names. */
export function sorted(line: string): string {
  const at = line.indexOf(" {");
  if (at < 0) return line;
  const properties = Object.entries(JSON.parse(line.slice(at + 1))).sort(([a], [b]) => (a < b ? -1 : 1));
  return properties.length
    ? `${line.slice(0, at)} ${JSON.stringify(Object.fromEntries(properties))}`
    : line.slice(0, at);
}

function packet(fields: object, properties: Properties, user: Record<string, string>): Packet {
  const all = Object.keys(user).length ? { ...theirs(properties), userProperties: user } : theirs(properties);
  return { ...fields, properties: all } as unknown as Packet;
}

export const connack: fc.Arbitrary<ServerPacket> = fc
  .record({
    properties: connackProperties,
    user: userProperties,
    present: fc.boolean(),
    code: fc.constantFrom(0, 0x87, 0x9c),
  })
  .map(({ properties, user, present, code }) => ({
    packet: packet({ cmd: "connack", reasonCode: code, sessionPresent: present && !code }, properties, user),
    lines: [`connack ${present && !code} ${code} ${JSON.stringify(shown(properties))}`],
  }));

const CODES = { puback: [0, 0x10, 0x87, 0x97], pubrec: [0, 0x10, 0x91, 0x99], pubrel: [0, 0x92], pubcomp: [0, 0x92] };
const TYPES = { puback: 4, pubrec: 5, pubrel: 6, pubcomp: 7 };

const acknowledgement = fc
  .constantFrom("puback" as const, "pubrec" as const, "pubrel" as const, "pubcomp" as const)
  .chain((cmd) =>
    fc.record({
      cmd: fc.constant(cmd),
      messageId: packetId,
      code: fc.constantFrom(...CODES[cmd]),
      properties: reasonOnly,
      user: userProperties,
    }),
  )
  .map(({ cmd, messageId, code, properties, user }) => ({
    packet: packet({ cmd, messageId, reasonCode: code }, properties, user),
    lines: [
      `ack ${TYPES[cmd]} ${messageId}${code ? ` ${code}` : ""}${properties.reason === undefined ? "" : ` ${properties.reason}`}`,
    ],
  }));

const answer = fc
  .record({
    isSuback: fc.boolean(),
    messageId: packetId,
    refused: fc.constantFrom(0, 0, 0x80, 0x87, 0x8f, 0x97),
    properties: reasonOnly,
    user: userProperties,
    qos: fc.constantFrom(0, 1, 2),
  })
  .map(({ isSuback, messageId, refused, properties, user, qos }) => {
    const code = refused || (isSuback ? qos : 0);
    const end = properties.reason === undefined ? "" : ` ${properties.reason}`;
    const shownCode = isSuback || code ? ` ${code}` : "";
    return {
      packet: packet({ cmd: isSuback ? "suback" : "unsuback", messageId, granted: [code] }, properties, user),
      lines: [`ack ${isSuback ? 9 : 11} ${messageId}${shownCode}${end}`],
    };
  });

const publish = fc
  .record({
    topic,
    payload: fc.uint8Array({ maxLength: 200 }),
    qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
    retain: fc.boolean(),
    dup: fc.boolean(),
    messageId: packetId,
    properties: messageProperties,
    user: userProperties,
  })
  .map(({ payload, dup, properties, user, messageId, ...rest }) => {
    const id = rest.qos ? messageId : 0;
    const end = Object.keys(properties).length ? ` ${JSON.stringify(shown(properties))}` : "";
    return {
      packet: packet(
        {
          cmd: "publish",
          ...rest,
          payload: Buffer.from(payload),
          dup: dup && rest.qos > 0,
          messageId: id || undefined,
        },
        properties,
        user,
      ),
      lines: [`publish ${rest.topic} ${rest.qos} ${id} ${payload.length}${end}`, `published ${payload.length}`],
    };
  });

/** Any packet that a server may send after its CONNACK and before its DISCONNECT. */
export const serverPacket: fc.Arbitrary<ServerPacket> = fc.oneof(
  { weight: 3, arbitrary: publish },
  { weight: 3, arbitrary: acknowledgement },
  { weight: 1, arbitrary: answer },
  { weight: 1, arbitrary: fc.constant({ packet: { cmd: "pingresp" } as Packet, lines: ["pingresp"] }) },
);

export const disconnect: fc.Arbitrary<ServerPacket> = fc
  .record({
    code: fc.constantFrom(0x8b, 0x8e, 0x9d),
    properties: fc.record({ reason: text, serverReference: text }, { requiredKeys: [] }),
    user: userProperties,
  })
  .map(({ code, properties, user }) => ({
    packet: packet({ cmd: "disconnect", reasonCode: code }, properties, user),
    lines: [`disconnected ${code} ${JSON.stringify(shown(properties))}`],
  }));

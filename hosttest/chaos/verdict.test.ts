import type { Packet } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import type { Logged } from "./bad-network.js";
import { judge } from "./verdict.js";

const device = (packet: object): Logged => ({ connection: 0, from: "device", packet: packet as Packet });
const broker = (packet: object): Logged => ({ connection: 0, from: "broker", packet: packet as Packet });
const hello = (present: boolean, clean = false): Logged[] => [
  device({ cmd: "connect", clean }),
  broker({ cmd: "connack", returnCode: 0, sessionPresent: present }),
];
const publish = (seq: number, messageId: number, dup = false): Logged =>
  device({ cmd: "publish", qos: 2, dup, messageId, topic: "home/x/temperature", payload: `{"seq":${seq}}` });
const flow = (seq: number, messageId: number): Logged[] => [
  publish(seq, messageId),
  broker({ cmd: "pubrec", messageId }),
  device({ cmd: "pubrel", messageId }),
  broker({ cmd: "pubcomp", messageId }),
];

describe("the verdict on a run", () => {
  test("a reading that the broker acknowledged and no subscriber saw is the broker's loss; one it never acknowledged is ours", () => {
    const verdict = judge({ log: [...hello(false), ...flow(0, 1)], written: [0, 1], seen: [], qos: 2 });
    expect(verdict).toMatchObject({ lost: [1], lostByBroker: [0] });
  });

  test("published again after its PUBREL, under another id, or without DUP, within a session: ours", () => {
    const rest = { written: [0], seen: [0, 0], qos: 2 } as const;
    const again = [...hello(false), ...flow(0, 1), ...hello(true)];
    expect(judge({ ...rest, log: [...again, publish(0, 1, true)] }).doubled).toEqual([
      "0: published again after its PUBREL",
    ]);
    const unreleased = [...hello(false), publish(0, 1), ...hello(true)];
    expect(judge({ ...rest, log: [...unreleased, publish(0, 2, true)] }).doubled[0]).toContain(
      "as packet 1, then as 2",
    );
    expect(judge({ ...rest, log: [...unreleased, publish(0, 1)] }).doubled[0]).toContain("without DUP");
    expect(judge({ ...rest, log: [...unreleased, publish(0, 1, true)] })).toMatchObject({
      doubled: [],
      doubledByBroker: [0],
    });
  });

  test("published again after the broker forgot the session: the broker's double", () => {
    const log = [...hello(false), ...flow(0, 1), ...hello(false), ...flow(0, 1)];
    const verdict = judge({ log, written: [0], seen: [0, 0], qos: 2 });
    expect(verdict).toMatchObject({ doubled: [], doubledByBroker: [0], sessionsLost: 1 });
  });

  test("a session that was wiped on purpose does not count as lost", () => {
    const log = [...hello(false, true), ...hello(false), ...flow(0, 1)];
    expect(judge({ log, written: [0], seen: [0], qos: 2 }).sessionsLost).toBe(0);
  });

  test("in MQTT 5, a refused reading may be sent again as new, later, and does not count as acknowledged", () => {
    const hello5 = [device({ cmd: "connect", clean: false }), broker({ cmd: "connack", reasonCode: 0 })];
    const refused = (messageId: number) => broker({ cmd: "pubrec", messageId, reasonCode: 0x97 });
    const log = [...hello5, publish(0, 1), refused(1), ...flow(1, 2), publish(0, 1)];
    expect(judge({ log, written: [0, 1], seen: [1], qos: 2 })).toMatchObject({ lost: [0], lostByBroker: [] });
    const late = judge({ log: [...log, ...flow(0, 1).slice(1)], written: [0, 1], seen: [1, 0], qos: 2 });
    expect(late).toMatchObject({ lost: [], doubled: [], disordered: [], disorderedByBroker: [0] });
    const denied = broker({ cmd: "puback", messageId: 1, reasonCode: 0x87 });
    expect(judge({ log: [...hello5, publish(0, 1), denied], written: [0], seen: [], qos: 1 }).lost).toEqual([0]);
  });

  test("at QoS 1 doubles are no fault", () => {
    const verdict = judge({ log: hello(false), written: [], seen: [3, 3], qos: 1 });
    expect(verdict).toMatchObject({ doubled: [], doubledByBroker: [] });
  });

  test("sent after a later one, or passed over: our fault; sent in order and seen late: the broker's", () => {
    const rest = { written: [0, 1], seen: [1, 0], qos: 2 } as const;
    const turned = [...hello(false), ...flow(1, 2), ...flow(0, 1)];
    expect(judge({ ...rest, log: turned })).toMatchObject({ disordered: [0], disorderedByBroker: [] });
    const passedOver = [...hello(false), publish(0, 1), ...hello(true), ...flow(1, 2), ...hello(true), ...flow(0, 1)];
    expect(judge({ ...rest, log: passedOver })).toMatchObject({ disordered: [0], disorderedByBroker: [] });
    const late = { ...publish(0, 1), connection: 0 };
    const overtaken = [...[...hello(false), ...flow(1, 2)].map((logged) => ({ ...logged, connection: 1 })), late];
    expect(judge({ ...rest, log: overtaken })).toMatchObject({ disordered: [], disorderedByBroker: [0] });
    const inOrder = [
      ...hello(false),
      publish(0, 1),
      publish(1, 2),
      ...hello(true),
      publish(0, 1, true),
      publish(1, 2, true),
    ];
    expect(judge({ ...rest, log: inOrder })).toMatchObject({ disordered: [], disorderedByBroker: [0] });
  });
});

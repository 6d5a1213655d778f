import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { generate, type Packet } from "mqtt-packet";
import { afterEach, expect, test } from "vitest";
import { BadNetwork } from "./bad-network.js";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** The network before a server that is about to listen; both are closed after the test. */
async function networkTo(server: Server): Promise<BadNetwork> {
  await once(server, "listening");
  const network = await BadNetwork.start((server.address() as AddressInfo).port);
  closers.push(
    () => network.close(),
    () => server.close(),
  );
  return network;
}

test("bytes keep their order, however the network's faults change meanwhile", async () => {
  let arrived = "";
  const server = createServer((socket) => {
    socket.on("data", (bytes) => (arrived += bytes)).on("error", () => {});
  }).listen(0, "127.0.0.1");
  const network = await networkTo(server);
  const client = connect(network.port, "127.0.0.1").setNoDelay(true);
  client.on("error", () => {}); // the network is closed first, by a reset
  await once(client, "connect");
  let sent = "";
  for (let i = 0; i < 600; i++) {
    if (i % 7 === 0) network.weather = { kind: "slow", delayMs: 3 + (i % 5) + 0.5 };
    if (i % 50 === 49) network.weather = i % 100 === 99 ? { kind: "fair" } : { kind: "truncating", afterBytes: 1e9 };
    client.write(`${i} `);
    sent += `${i} `;
    await new Promise((resolve) => setTimeout(resolve, i % 3 === 0 ? 1 : 0));
  }
  while (arrived.length < sent.length) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(arrived).toBe(sent);
});

test.each([4, 5] as const)("packets of protocol level %i are recorded, aliases with their topics", async (level) => {
  const server = createServer((socket) => {
    socket
      .on("error", () => {})
      .write(
        generate({ cmd: "connack", returnCode: 0, reasonCode: 0, sessionPresent: true }, { protocolVersion: level }),
      );
  }).listen(0, "127.0.0.1");
  const network = await networkTo(server);
  const client = connect(network.port, "127.0.0.1");
  client.on("error", () => {});
  const publish = { cmd: "publish", payload: "x", qos: 0, dup: false, retain: false } as const;
  const alias = level === 5 ? { properties: { topicAlias: 1 } } : {};
  const packets: Packet[] = [
    { cmd: "connect", protocolId: "MQTT", protocolVersion: level, clientId: "a", clean: true, keepalive: 0 },
    { ...publish, topic: "a/b", ...alias },
    { ...publish, topic: level === 5 ? "" : "a/b", ...alias },
  ];
  for (const packet of packets) client.write(generate(packet, { protocolVersion: level }));
  while (network.log.length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
  const topics = network.log.flatMap(({ packet }) => (packet.cmd === "publish" ? packet.topic : []));
  expect(topics).toEqual(["a/b", "a/b"]);
  expect(network.log.filter(({ from }) => from === "broker")).toMatchObject([{ packet: { cmd: "connack" } }]);
});

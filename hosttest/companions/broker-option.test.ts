/* A companion's connection: what its broker refuses today, it tries again; a broker without MQTT 5 gets 3.1.1. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import mqtt from "mqtt";
import mqttPacket, { type IConnackPacket, type Packet } from "mqtt-packet";
import { expect, test } from "vitest";
import { brokerOf, connectOptions, fallsBack } from "./broker-option.js";

test.each([
  ["unavailable", { cmd: "connack", sessionPresent: false, reasonCode: 0x88 }, [5, 5]],
  ["3.1.1 only, answered in 3.1.1", { cmd: "connack", sessionPresent: false, returnCode: 1 }, [5, 4]],
  ["3.1.1 only, answered in 5", { cmd: "connack", sessionPresent: false, reasonCode: 0x84 }, [5, 4]],
] as [string, IConnackPacket, number[]][])("refused as %s, then accepted", async (_, refusal, versions) => {
  const seen: unknown[] = [];
  const server = createServer((socket) => {
    const parser = mqttPacket.parser();
    parser.on("packet", (packet: Packet) => {
      if (packet.cmd !== "connect") return;
      const version = packet.protocolVersion as 4 | 5;
      seen.push(version);
      const accepted: IConnackPacket = { cmd: "connack", sessionPresent: false, reasonCode: 0, returnCode: 0 };
      const isRefused = seen.length === 1;
      const answer: IConnackPacket = isRefused ? refusal : accepted;
      socket.write(mqttPacket.generate(answer, { protocolVersion: answer.reasonCode === undefined ? 4 : version }));
      if (isRefused) socket.end();
    });
    socket.on("data", (bytes) => parser.parse(bytes));
    socket.on("error", () => {});
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const broker = brokerOf(`mqtt://127.0.0.1:${port}`, "--broker");
  const client = mqtt.connect({ ...connectOptions(broker, undefined), reconnectPeriod: 10 });
  client.on("error", (error) => fallsBack(client, error));
  await new Promise((resolve) => client.once("connect", resolve));
  expect(seen).toEqual(versions);
  await client.endAsync(true);
  server.close();
});

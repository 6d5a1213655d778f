/*
 * Real brokers, and a recording of every byte between client and broker, connection by connection, for decoders that
 * are independent of this library (mqtt-packet, tshark).
 */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { Aedes } from "aedes";
import mqtt, { type Packet } from "mqtt-packet";
import { TCP } from "../../../boards/desktop/network/tcp.js";
import type { TCPConstructor } from "../../../src/mqtt/wire/io.js";
import { Mosquitto } from "../../support/processes/mosquitto.js";
import { freePort } from "../../support/processes/ports.js";

export interface Broker {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws Error with what to install, if mosquitto is missing */
export async function startMosquitto(): Promise<Broker> {
  const found = spawnSync("mosquitto", ["-h"], { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
  if (found.error) throw new Error("mosquitto is not installed: apt-get install mosquitto, or run hosttest/setup.sh");
  return Mosquitto.start("max_keepalive 65535");
}

export async function startAedes(): Promise<Broker> {
  const aedes = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    aedes.handle(socket);
  });
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
    },
  };
}

/** One piece of a stream. */
export interface Piece {
  readonly connection: number;
  readonly from: "client" | "broker";
  readonly bytes: Uint8Array;
}

export class Wire {
  readonly pieces: Piece[] = [];
  #connections = 0;
  #open: TCP[] = [];

  /** The TCP class to give to a client. */
  readonly TCP = ((wire: Wire) =>
    class extends TCP {
      readonly #connection = ++wire.#connections;
      constructor(options: ConstructorParameters<typeof TCP>[0]) {
        super(options);
        wire.#open.push(this);
        this.#onError = options.onError;
      }
      readonly #onError: (() => void) | undefined;
      override write(buffer: Uint8Array): number {
        wire.pieces.push({ connection: this.#connection, from: "client", bytes: buffer.slice() });
        return super.write(buffer);
      }
      override read(buffer: Uint8Array): number | undefined {
        const count = super.read(buffer);
        wire.pieces.push({ connection: this.#connection, from: "broker", bytes: buffer.slice(0, count) });
        return count;
      }
      /** As if the network failed: both ends are notified. */
      cut(): void {
        this.close();
        this.#onError?.();
      }
    })(this) as unknown as TCPConstructor & { prototype: { cut(): void } };

  /** Breaks the newest connection without a DISCONNECT. */
  cut(): void {
    (this.#open.at(-1) as TCP & { cut(): void }).cut();
  }

  /** What the client sent, as mqtt-packet decodes it. @throws Error if it finds anything malformed */
  sent(): Packet[] {
    const packets: Packet[] = [];
    for (let connection = 1; connection <= this.#connections; connection++) {
      const pieces = this.pieces.filter((piece) => piece.connection === connection && piece.from === "client");
      const bytes = Buffer.concat(pieces.map((piece) => piece.bytes));
      const parser = mqtt.parser({ protocolVersion: bytes[bytes.indexOf("MQTT") + 4] as 4 | 5 });
      parser.on("packet", (packet) => packets.push(packet));
      parser.on("error", (error) => {
        throw error;
      });
      parser.parse(bytes);
    }
    return packets;
  }

  /** The stream as a capture file: IPv4 and TCP headers of our own making around the recorded bytes. */
  capture(): Buffer {
    const head = Buffer.alloc(24);
    head.writeUInt32LE(0xa1b2c3d4, 0);
    head.writeUInt16LE(2, 4);
    head.writeUInt16LE(4, 6);
    head.writeUInt32LE(262_144, 16);
    head.writeUInt32LE(101, 20); // raw IP
    const records: Uint8Array[] = [head];
    const sequences = new Map<string, number>();
    for (const { connection, from, bytes } of this.pieces) {
      for (let at = 0; at < bytes.length; at += 32_768) {
        const piece = bytes.subarray(at, at + 32_768);
        const own = sequences.get(`${connection} ${from}`) ?? 1;
        const other = sequences.get(`${connection} ${from === "client" ? "broker" : "client"}`) ?? 1;
        sequences.set(`${connection} ${from}`, own + piece.length);
        const segment = segmentOf(connection, from, own, other, piece);
        const record = Buffer.alloc(16);
        record.writeUInt32LE(records.length, 0);
        record.writeUInt32LE(segment.length, 8);
        record.writeUInt32LE(segment.length, 12);
        records.push(record, segment);
      }
    }
    return Buffer.concat(records);
  }
}

const MQTT_PORT = 1883;
const CLIENT_PORT = 40_000;

function segmentOf(
  connection: number,
  from: Piece["from"],
  sequence: number,
  acknowledged: number,
  bytes: Uint8Array,
): Buffer {
  const headers = Buffer.alloc(40);
  const ports = [CLIENT_PORT + connection, MQTT_PORT];
  if (from === "broker") ports.reverse();
  headers[0] = 0x45;
  headers.writeUInt16BE(40 + bytes.length, 2);
  headers[8] = 64;
  headers[9] = 6; // TCP
  headers.writeUInt32BE(from === "client" ? 0x0a000001 : 0x0a000002, 12);
  headers.writeUInt32BE(from === "client" ? 0x0a000002 : 0x0a000001, 16);
  headers.writeUInt16BE(ports[0], 20);
  headers.writeUInt16BE(ports[1], 22);
  headers.writeUInt32BE(sequence, 24);
  headers.writeUInt32BE(acknowledged, 28);
  headers[32] = 0x50;
  headers[33] = 0x18; // PSH, ACK
  headers.writeUInt16BE(65_535, 34);
  return Buffer.concat([headers, bytes]);
}

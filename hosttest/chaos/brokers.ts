/*
 * Real brokers that can be stopped, killed and started again: mosquitto with persistence, as a process; aedes in this
 * process, with its sessions in memory.
 */

import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Aedes } from "aedes";
import { Mosquitto } from "../support/processes/mosquitto.js";

export interface RealBroker {
  readonly port: number;
  /** In order. */
  stop(): Promise<void>;
  /** As by a power cut. */
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Saves after every change, so that mosquitto loses as little as possible when it is killed. */
export function startMosquitto(): Promise<RealBroker> {
  return Mosquitto.start("autosave_on_changes true\nautosave_interval 1");
}

/** A broker that already runs, and is never stopped. */
export function brokerAt(port: number): RealBroker {
  const none = (): Promise<void> => Promise.resolve();
  return { port, start: none, stop: none, kill: none, close: none };
}

/** Its sessions outlive its connections; stopping it closes the port and every connection, and keeps the sessions. */
export async function startAedes(): Promise<RealBroker> {
  const aedes = await Aedes.createBroker({ concurrency: 100 });
  const sockets = new Set<Socket>();
  let server: Server;
  let port = 0;
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.resetAndDestroy();
    server.close();
    await once(server, "close");
  };
  const start = async (): Promise<void> => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      aedes.handle(socket);
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  };
  await start();
  return {
    port,
    start,
    stop,
    kill: stop,
    close: async () => {
      await stop();
      aedes.close();
    },
  };
}

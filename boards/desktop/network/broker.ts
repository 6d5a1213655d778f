/*
 * The embedded broker, for those who have none at hand: aedes on the loopback interface.
 * It keeps its sessions in memory: with the process they go, and the thermometer's own rules for a lost session apply.
 */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Aedes } from "aedes";

const USUAL_PORT = 1883;

export interface EmbeddedBroker {
  readonly host: string;
  readonly port: number;
  /** Why it is not the usual port. One line. */
  readonly whyOther?: string;
  close(): void;
}

/** Listens on port 1883 if it is free, so that other programs find it; else on any port. */
export async function startBroker(): Promise<EmbeddedBroker> {
  const aedes = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    aedes.handle(socket);
  });
  let whyOther: string | undefined;
  await listen(server, USUAL_PORT).catch((error: NodeJS.ErrnoException) => {
    const isInUse = error.code === "EADDRINUSE";
    whyOther = `port ${USUAL_PORT} ${isInUse ? "is in use by another program" : `cannot be had (${error.code})`}`;
    return listen(server, 0);
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    host: address,
    port,
    whyOther,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      aedes.close();
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

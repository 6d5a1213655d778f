/* Runs inside XS in place of the firmware: opens TLS connections on orders from Node (JSON, one a line), and reports their callbacks. */
import { board } from "board";
import type { TCP } from "../../../src/mqtt/wire/io.js";
import type { TLSDemand } from "../../../src/tls/io.js";

interface Order {
  readonly id: number;
  readonly verb: "open" | "write" | "close";
  readonly port: number;
  readonly bytes?: readonly number[];
  readonly demand: Record<string, readonly number[] | undefined> & {
    readonly fingerprint: string;
    readonly name: string;
  };
}

let sockets: Record<number, TCP> | undefined;

const bytesOf = (bytes: readonly number[] | undefined): Uint8Array | undefined =>
  bytes === undefined ? undefined : Uint8Array.from(bytes);

function open({ id, port, demand: given }: Order): TCP {
  const report = (call: string, more: object = {}): void => board.trace?.(JSON.stringify({ id, call, ...more }));
  const { tls } = board;
  if (tls === undefined) throw new Error("this worker has no TLS");
  const demand: TLSDemand = {
    ca: bytesOf(given.ca),
    certificate: bytesOf(given.certificate),
    key: bytesOf(given.key),
    fingerprint: given.fingerprint,
    name: given.name,
    session: bytesOf(given.session)?.buffer,
    onHandshake: () => report("handshake"),
    onSecured: (facts) => report("secured", { facts, session: kept() }),
    onRefused: (refusal) => report("refused", { refusal }),
  };
  const kept = (): number[] | undefined =>
    demand.session === undefined ? undefined : [...new Uint8Array(demand.session as ArrayBuffer)];
  const isPlain = given.name === "plain";
  const socket: TCP = new (isPlain ? board.tcp.io : tls.io)({
    ...(isPlain ? board.tcp : tls),
    ...({ demand } as object),
    host: "127.0.0.1",
    address: "127.0.0.1",
    port,
    format: "buffer",
    onReadable: (count) => {
      const bytes = new Uint8Array(count);
      socket.read(bytes);
      report("readable", { bytes: [...bytes] });
    },
    onWritable: () => report("writable"),
    onError: () => {
      forget(id);
      report("error", { session: kept() });
    },
  });
  return socket;
}

/** An order to write can cross the report of the connection's end: the bytes are then lost, as they are in a network. */
function forget(id: number): void {
  if (sockets !== undefined) delete sockets[id];
}

function obey(order: Order): void {
  sockets ??= {};
  if (order.verb === "open") sockets[order.id] = open(order);
  else if (order.verb === "write") sockets[order.id]?.write(Uint8Array.from(order.bytes ?? []));
  else {
    sockets[order.id]?.close();
    forget(order.id);
  }
}

board.boot?.(() => ({
  unsettled: 0,
  print: (line) => obey(JSON.parse(line)),
  stopSampling: () => {},
  clockChanged: () => {},
  stop: (whenDone) => whenDone(),
  close: () => {},
}));

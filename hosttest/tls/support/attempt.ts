/*
 * One connection by a TLS class, as its owner sees it: the callbacks, the received bytes, the outcome.
 */
import { readFileSync } from "node:fs";
import { TLS } from "../../../boards/desktop/network/tls.js";
import type { TLSDemand, TLSFacts, TLSRefusal } from "../../../src/tls/io.js";
import { fromPEM } from "../../../src/tls/pem.js";
import type { Identity } from "./certificates.js";

/** The constructor of a TLS class, as boards supply it. */
export type TLSClass = new (options: {
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly format: "buffer";
  readonly demand: TLSDemand;
  onReadable(bytes: number): void;
  onWritable(bytes: number): void;
  onError(reason?: "refused" | "unreachable"): void;
}) => { read(buffer: Uint8Array): unknown; write(buffer: Uint8Array): unknown; close(): void };

export interface AttemptOptions {
  readonly io?: TLSClass;
  readonly ca?: Identity;
  readonly fingerprint?: string;
  readonly name?: string;
  readonly client?: Identity;
  readonly session?: unknown;
}

/** The outcome: "open" once data may be sent; otherwise why not, "network" if TLS was not the reason. */
export type Outcome = "open" | TLSRefusal["kind"] | "network";

export class Attempt implements TLSDemand {
  readonly ca: Uint8Array | undefined;
  readonly certificate: Uint8Array | undefined;
  readonly key: Uint8Array | undefined;
  readonly fingerprint: string;
  readonly name: string;
  session: unknown;
  facts: TLSFacts | undefined;
  refusal: TLSRefusal | undefined;
  /** The callbacks, in order. */
  readonly calls: string[] = [];
  received = Buffer.alloc(0);
  readonly socket: InstanceType<TLSClass>;
  readonly opened: Promise<Outcome>;
  readonly ended: Promise<void>;
  onReceived: () => void = () => {};

  constructor(
    port: number,
    { io = TLS as TLSClass, ca, fingerprint = "", name = "broker.test", client, session }: AttemptOptions,
  ) {
    const read = (file: string | undefined, kind: "CERTIFICATE" | "PRIVATE KEY"): Uint8Array | undefined =>
      file === undefined ? undefined : fromPEM(readFileSync(file, "latin1"), kind);
    this.ca = read(ca?.certificate, "CERTIFICATE");
    this.certificate = read(client?.chain, "CERTIFICATE");
    this.key = read(client?.key, "PRIVATE KEY");
    this.fingerprint = fingerprint;
    this.name = name;
    this.session = session;
    let open: (outcome: Outcome) => void;
    let end: () => void;
    this.opened = new Promise((resolve) => {
      open = resolve;
    });
    this.ended = new Promise((resolve) => {
      end = resolve;
    });
    this.socket = new io({
      address: "127.0.0.1",
      host: "127.0.0.1",
      port,
      format: "buffer",
      demand: this,
      onReadable: (bytes) => {
        this.calls.push("readable");
        const piece = new Uint8Array(bytes);
        this.socket.read(piece);
        this.received = Buffer.concat([this.received, piece]);
        this.onReceived();
      },
      onWritable: () => {
        this.calls.push("writable");
        open("open");
      },
      onError: () => {
        this.calls.push("error");
        open(this.refusal?.kind ?? "network");
        end();
      },
    });
  }

  onHandshake(): void {
    this.calls.push("handshake");
  }

  onSecured(facts: TLSFacts): void {
    this.calls.push("secured");
    this.facts = facts;
  }

  onRefused(refusal: TLSRefusal): void {
    this.calls.push("refused");
    this.refusal = refusal;
  }

  close(): void {
    this.socket.close();
  }
}

/*
 * Servers for tests of TLS: a real mosquitto with a listener for each certificate, good and bad; OpenSSL servers; and others that
 * speak no TLS.
 */
import { chmodSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTLSServer, type TlsOptions } from "node:tls";
import { Mosquitto } from "../../support/processes/mosquitto.js";
import { freePort } from "../../support/processes/ports.js";
import type { AttemptOptions, Outcome } from "./attempt.js";
import { Certificates, fingerprintOf, type Identity } from "./certificates.js";

export interface Case {
  readonly name: string;
  readonly options: AttemptOptions;
  readonly expected: Outcome;
}

const NAMES = "DNS:broker.test,IP:127.0.0.1";
/** More than 16 KB of names, the longest length of a record. */
const LONG_NAMES = Array.from({ length: 300 }, (_, n) => `DNS:${n}.${"long-name".repeat(6)}.test`);

/** The servers, their ports and certificates, and the expected outcome of a connection to each. */
export class Servers {
  readonly certificates = new Certificates();
  readonly root = this.certificates.make("Test Root", { isCA: true });
  readonly stranger = this.certificates.make("Stranger", { isCA: true });
  readonly middle = this.certificates.make("Middle", { by: this.root, isCA: true });
  readonly device = this.certificates.make("device", { by: this.root, usage: "clientAuth" });
  readonly server = this.signed("broker");
  readonly pin = fingerprintOf(this.server);
  readonly #listeners: [name: string, identity: Identity, lines?: string][] = [];
  readonly #ports = new Map<string, number>();
  readonly #others: Server[] = [];
  readonly #sockets = new Set<Socket>();
  #mosquitto: Mosquitto | undefined;

  /** Makes a server's certificate, signed by the test root unless `wanted` says otherwise. */
  signed(common: string, wanted: Parameters<Certificates["make"]>[1] = {}): Identity {
    return this.certificates.make(common, { by: this.root, names: NAMES, usage: "serverAuth", ...wanted });
  }

  port(name: string): number {
    const port = this.#ports.get(name);
    if (port === undefined) throw new Error(`${name}: no such server`);
    return port;
  }

  async start(): Promise<this> {
    const weak = this.signed("weak", { key: "rsa1024" });
    const self = this.certificates.make("self", { names: NAMES });
    this.#listeners.push(
      ["rsa2048", this.signed("rsa2048", { key: "rsa2048" })],
      ["rsa4096", this.signed("rsa4096", { key: "rsa4096" })],
      ["p256", this.server],
      ["chain of two", this.signed("behind middle", { by: this.middle })],
      ["leaf alone", this.signed("alone")],
      ["long chain", this.signed("long", { names: [NAMES, ...LONG_NAMES].join(",") })],
      [
        "leaf alone, middle missing",
        { ...this.signed("alone"), ...this.#withoutChain(this.signed("x", { by: this.middle })) },
      ],
      ["self-signed", self],
      ["stranger's", this.signed("broker", { by: this.stranger })],
      ["other name", this.signed("other", { names: "DNS:other.test" })],
      ["expired", this.signed("old", { from: -20, to: -2 })],
      ["not yet valid", this.signed("young", { from: 2, to: 20 })],
      ["for clients", this.signed("client", { usage: "clientAuth" })],
      ["signed by no CA", this.signed("below", { by: this.signed("no CA", { usage: undefined }) })],
      ["wants a certificate", this.server, `cafile ${this.root.certificate}\nrequire_certificate true`],
    );
    this.self = self;
    chmodSync(this.certificates.folder, 0o755); // mosquitto is not root when it reads them
    const blocks: string[] = [];
    for (const [name, { chain, key }, lines = ""] of this.#listeners) {
      chmodSync(key, 0o644);
      const port = await freePort();
      this.#ports.set(name, port);
      blocks.push(`listener ${port} 127.0.0.1\ncertfile ${chain}\nkeyfile ${key}\n${lines}`);
    }
    this.#mosquitto = await Mosquitto.start(blocks.join("\n"));
    this.#ports.set("plain mosquitto", this.#mosquitto.port);
    const { chain, key } = weak;
    // OpenSSL's own level forbids it to a server, too.
    await this.#openSSL("weak", { cert: readFileSync(chain), key: readFileSync(key), ciphers: "DEFAULT@SECLEVEL=0" });
    const good = { cert: readFileSync(this.server.chain), key: readFileSync(this.server.key) };
    const old = { ...good, maxVersion: "TLSv1.2" } as const;
    const wanting = { ca: readFileSync(this.root.certificate), requestCert: true, rejectUnauthorized: true };
    await this.#openSSL("TLS 1.2", old);
    await this.#openSSL("echo", good, (socket) => socket.pipe(socket));
    await this.#openSSL("wants a certificate, TLS 1.2", { ...old, ...wanting });
    await this.#openSSL("TLS 1.1", { ...good, ciphers: "ALL@SECLEVEL=0", minVersion: "TLSv1", maxVersion: "TLSv1.1" });
    await this.#openSSL("RSA ciphers alone", {
      ...old,
      ciphers: "ECDHE-RSA-AES128-GCM-SHA256",
    });
    await this.#plain("talks first", (socket) => socket.write("220 mail.test ESMTP\r\n"));
    await this.#plain("a web server", (socket) =>
      socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
    );
    await this.#plain("closes at once", (socket) => socket.end());
    await this.#plain("closes when it has heard", (socket) => socket.once("data", () => socket.end()));
    await this.#plain("stalls", () => {});
    // The beginning of a ServerHello.
    await this.#plain("closes in the midst", (socket) =>
      socket.once("data", () => socket.end("\x16\x03\x03\x00\x50\x02")),
    );
    return this;
  }

  /** The self-signed server's certificate, which is its own CA. */
  self: Identity | undefined;

  /** Every server, with the options of a client and the expected outcome. */
  cases(): readonly Case[] {
    const ca = this.root;
    const good = (name: string, options: AttemptOptions = { ca }): Case => ({ name, options, expected: "open" });
    const bad = (expected: Outcome, name: string, options: AttemptOptions = { ca }): Case => ({
      name,
      options,
      expected,
    });
    return [
      ...["rsa2048", "rsa4096", "p256", "chain of two", "leaf alone", "TLS 1.2"].map((name) => good(name)),
      good("self-signed", { ca: this.self }),
      good("p256", { ca, name: "127.0.0.1" }),
      good("p256", { fingerprint: this.pin }),
      good("p256", { fingerprint: this.pin, name: "anything.test" }),
      good("p256", { ca, fingerprint: this.pin }),
      good("wants a certificate", { ca, client: this.device }),
      good("wants a certificate, TLS 1.2", { ca, client: this.device }),
      bad("client", "wants a certificate"),
      bad("client", "wants a certificate, TLS 1.2"),
      bad("unknownCA", "self-signed"),
      bad("unknownCA", "stranger's"),
      bad("unknownCA", "leaf alone, middle missing"),
      bad("wrongName", "other name"),
      bad("wrongName", "p256", { ca, name: "other.test" }),
      bad("wrongName", "p256", { ca, name: "127.0.0.2" }),
      bad("wrongName", "p256", { ca, fingerprint: this.pin, name: "other.test" }),
      bad("expired", "expired"),
      bad("notYetValid", "not yet valid"),
      bad("wrongUsage", "for clients"),
      bad("noCA", "signed by no CA"),
      bad("weak", "weak"),
      bad("wrongKey", "rsa2048", { fingerprint: this.pin }),
      bad("wrongKey", "leaf alone", { ca, fingerprint: this.pin }),
      bad("unknownCA", "p256", { ca: this.stranger, fingerprint: this.pin }),
      bad("noCommon", "TLS 1.1"),
      bad("noCommon", "RSA ciphers alone"),
      bad("closed", "closes in the midst"),
      bad("noTLS", "plain mosquitto"),
      bad("noTLS", "talks first"),
      bad("noTLS", "a web server"),
      bad("noTLS", "closes at once"),
      bad("noTLS", "closes when it has heard"),
    ];
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#others) server.close();
    await this.#mosquitto?.close();
  }

  #withoutChain({ certificate, key }: Identity): Identity {
    return { certificate, key, chain: certificate };
  }

  #openSSL(name: string, options: TlsOptions, onSocket: (socket: Socket) => void = () => {}): Promise<void> {
    const server = createTLSServer(options, (socket) => {
      socket.on("error", () => {});
      onSocket(socket);
    });
    server.on("tlsClientError", () => {});
    return this.#listen(name, server);
  }

  #plain(name: string, onSocket: (socket: Socket) => void): Promise<void> {
    return this.#listen(name, createServer(onSocket));
  }

  async #listen(name: string, server: Server): Promise<void> {
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#others.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.#ports.set(name, (server.address() as AddressInfo).port);
  }
}

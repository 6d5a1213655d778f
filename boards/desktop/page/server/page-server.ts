/*
 * The page's server: only on the loopback interface, and only for its own pages. A page of another site can neither read from it
 * (Host, against DNS rebinding) nor send to it (Origin).
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { messageOf } from "../../../../src/common/message-of.js";
import { assets } from "./assets.js";

const HOST = "127.0.0.1";
const MAX_MESSAGE_BYTES = 65_536;
/** Bytes that may wait for a browser that does not read, before it is disconnected. */
const MAX_WAITING_BYTES = 8 * 1_048_576;

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS = Object.freeze({
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
});

export interface PageServerOptions {
  /** A browser has connected: returns its first messages. */
  greet(): string;
  onMessage(text: string): void;
}

export class PageServer {
  readonly #options: PageServerOptions;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
  #port = 0;

  constructor(options: PageServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
  }

  get url(): string {
    return `http://localhost:${this.#port}`;
  }

  /** A browser is connected. */
  get isWatched(): boolean {
    return this.#sockets.clients.size > 0;
  }

  /** @throws the system's error if the port is not available */
  async listen(port: number): Promise<void> {
    assets().catch(() => {}); // now, so that the first browser need not wait; errors are reported in its answer
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port, host: HOST, exclusive: true }, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    this.#port = (this.#server.address() as AddressInfo).port;
    this.#server.unref();
  }

  send(text: string): void {
    for (const socket of this.#sockets.clients) {
      if (socket.bufferedAmount > MAX_WAITING_BYTES) socket.terminate();
      else socket.send(text);
    }
  }

  /** Closes all connections. */
  close(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (!this.#isOurs(request)) refuse(response, 403, "only for this computer's own page");
    else if (request.method !== "GET" && request.method !== "HEAD") refuse(response, 405, "GET or HEAD");
    else this.#serve(request, response);
  }

  #serve({ method, url = "/", headers: { host } }: IncomingMessage, response: ServerResponse): void {
    assets().then(
      (files) => {
        const file = files.get(url.split("?")[0]);
        if (file === undefined) {
          refuse(response, 404, "no such file");
          return;
        }
        response.writeHead(200, {
          ...HEADERS,
          "content-security-policy": `${POLICY}; connect-src 'self' ws://${host}`, // not all browsers take 'self' for a WebSocket
          "content-type": file.type,
          "content-length": file.body.length,
        });
        response.end(method === "HEAD" ? undefined : file.body);
      },
      (error) => refuse(response, 500, `the page cannot be bundled: ${messageOf(error)}`),
    );
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    if (!this.#isOurs(request) || request.url !== "/live") {
      socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (browser) => this.#came(browser));
  }

  #came(browser: WebSocket): void {
    browser.on("error", () => browser.terminate());
    browser.on("message", (data) => this.#options.onMessage(String(data)));
    browser.send(this.#options.greet());
  }

  #isOurs({ headers }: IncomingMessage): boolean {
    return isOwnPage(headers, this.#port);
  }
}

/** Whether a request is for a page at `port` of this computer, and from one, if it says so. Browsers leave out port 80 (RFC 9110 §4.2.1). */
export function isOwnPage({ host, origin }: IncomingHttpHeaders, port: number): boolean {
  const names = ["localhost", HOST].flatMap((name) => [`${name}:${port}`, ...(port === 80 ? [name] : [])]);
  return names.includes(host ?? "") && (origin === undefined || origin === `http://${host}`);
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { ...HEADERS, "content-type": "text/plain; charset=utf-8" }).end(`${why}\n`);
}

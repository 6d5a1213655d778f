/*
 * Chromium without a window, and a page with the published Improv button, both on this machine: the client's files are served from its npm
 * package as by a CDN, and a request to another machine fails the test.
 */
import { readFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { launchChromium } from "../../support/processes/chromium.js";

const PAGE = fileURLToPath(new URL("improv-page.html", import.meta.url));
const SDK = dirname(createRequire(import.meta.url).resolve("improv-wifi-serial-sdk/dist/web/serial-launch-button.js"));

/** A page whose button leads to a device. */
export interface Cable {
  readonly page: Page;
  /** Bytes that the device wrote. */
  fromDevice(bytes: Uint8Array): void;
}

/** The browser, and the server of its pages. */
export class Desk {
  readonly #browser: Browser;
  readonly #server: Server;
  readonly #pages: Page[] = [];
  /** Requests to other machines, errors of the page: there should be none. */
  readonly troubles: string[] = [];

  private constructor(browser: Browser, server: Server) {
    this.#browser = browser;
    this.#server = server;
  }

  /** @throws Error if Chromium is missing, or does not start */
  static async open(): Promise<Desk> {
    const server = createServer(serve);
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    try {
      return new Desk(await launchChromium(), server);
    } catch (error) {
      server.close();
      throw error;
    }
  }

  /** A new page. `toDevice` receives what the page writes. */
  async plug(toDevice: (bytes: Uint8Array) => void): Promise<Cable> {
    const page = await this.#browser.newPage();
    this.#pages.push(page);
    const { port } = this.#server.address() as AddressInfo;
    const origin = `http://127.0.0.1:${port}`;
    page.on("pageerror", ({ message }) => this.troubles.push(message));
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== origin) this.troubles.push(`asks for ${request.url()}`);
    });
    await page.exposeFunction("toDevice", (bytes: number[]) => toDevice(Uint8Array.from(bytes)));
    await page.goto(origin);
    const fromDevice = (bytes: Uint8Array): void => {
      page.evaluate(`fromDevice([${bytes.join()}])`).catch((error) => {
        if (!page.isClosed()) this.troubles.push(String(error));
      });
    };
    return { page, fromDevice };
  }

  /** Closes the pages. */
  async clear(): Promise<void> {
    await Promise.all(this.#pages.splice(0).map((page) => page.close()));
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await new Promise((done) => this.#server.close(done));
  }
}

const serve: RequestListener = ({ url = "/" }, response) => {
  try {
    const isPage = url === "/";
    const body = readFileSync(isPage ? PAGE : join(SDK, basename(url)));
    response.setHeader("content-type", isPage ? "text/html" : "text/javascript").end(body);
  } catch {
    response.writeHead(404).end();
  }
};

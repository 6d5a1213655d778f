/*
 * A person in front of the page of `npm start`: Chromium, what it shows, and the switches.
 */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchChromium } from "../support/processes/chromium.js";

/** The five figures. */
export type Figures = Readonly<Record<"taken" | "delivered" | "waiting" | "doubled" | "lost", number>>;

const PATIENCE_MS = 45_000;

/** One browser, at one page. */
export class Visitor {
  readonly page: Page;
  /** Requests to elsewhere, errors of the page: there should be none. */
  readonly troubles: string[] = [];
  readonly #browser: Browser;

  private constructor(browser: Browser, page: Page, origin: string) {
    this.#browser = browser;
    this.page = page;
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("pageerror", ({ message }) => this.troubles.push(message));
    page.on("request", (request) => {
      const { protocol, origin: asked } = new URL(request.url());
      if (protocol.startsWith("http") && asked !== origin) this.troubles.push(`asks for ${request.url()}`);
    });
  }

  /** `options`: of the browser's window, such as its size. */
  static async at(url: string, options: BrowserContextOptions = {}): Promise<Visitor> {
    const browser = await launchChromium();
    const visitor = new Visitor(
      browser,
      await browser.newPage({ reducedMotion: "reduce", ...options }),
      new URL(url).origin,
    );
    await visitor.page.goto(url);
    await visitor.page.locator("[data-count=taken]").first().waitFor();
    return visitor;
  }

  /** `at`: which of the devices on the page. */
  async figures(at = 0): Promise<Figures> {
    const texts = await this.page
      .locator("[data-device]")
      .nth(at)
      .locator("[data-count]")
      .evaluateAll((all) =>
        all.map(({ dataset, textContent }) => [dataset.count, Number(textContent?.replace(/\s/g, ""))]),
      );
    return Object.fromEntries(texts);
  }

  /** Resolves with the figures when `condition` holds. @throws Error with the figures if it does not in time */
  async until(condition: (figures: Figures) => boolean, at = 0): Promise<Figures> {
    const endMs = Date.now() + PATIENCE_MS;
    for (;;) {
      const figures = await this.figures(at);
      if (condition(figures)) return figures;
      if (Date.now() > endMs) throw new Error(`the page shows ${JSON.stringify(figures)}`);
      await this.page.waitForTimeout(50);
    }
  }

  /** Presses a button by its `data-do`. */
  async press(what: string, at = 0): Promise<void> {
    await this.page.locator("[data-device]").nth(at).locator(`[data-do=${what}]`).click();
  }

  async flip(name: string, at = 0): Promise<void> {
    await this.page.locator("[data-device]").nth(at).getByRole("switch", { name, exact: true }).click();
  }

  async power(is: "on" | "off" | "asleep", at = 0): Promise<void> {
    await this.page
      .locator("[data-device]")
      .nth(at)
      .and(this.page.locator(`[data-power=${is}]`))
      .waitFor();
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

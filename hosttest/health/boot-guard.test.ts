import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ALIVE_MS, BootGuard, DEATHS, type ResetCause, WORDS_LENGTH } from "../../src/health/boot-guard.js";
import { VirtualTime } from "../support/virtual-time.js";

/** A device that can be booted again and again with the same entry. */
function device() {
  const time = new VirtualTime();
  const problems: unknown[] = [];
  const store: { value?: ArrayBuffer; writes: number; fault?: string } = { writes: 0 };
  const entry = {
    read: () => {
      if (store.fault) throw new Error(store.fault);
      return store.value?.slice(0);
    },
    write: (value: ArrayBuffer) => {
      if (store.fault) throw new Error(store.fault);
      store.value = value.slice(0);
      store.writes++;
    },
  };
  const boot = (resetCause?: ResetCause) =>
    new BootGuard({ entry, resetCause, timers: time.timers, onProblem: (error) => problems.push(error) });
  /** Boots, runs for `ms`, records its last `words`, and ends. `cause`: how the boot before it ended. */
  const live = (ms: number, words?: string, cause?: ResetCause): BootGuard => {
    const guard = boot(cause);
    time.advance(ms);
    if (words !== undefined) guard.remember(words);
    guard.close();
    return guard;
  };
  return { time, store, problems, boot, live };
}

describe("safe mode", () => {
  test("five boots in a row fail within a minute: the sixth is in safe mode, and shows the reason", () => {
    const { live, boot } = device();
    for (let i = 0; i < DEATHS; i++) expect(live(ALIVE_MS - 1).safeMode).toBe(false);
    const sixth = boot();
    expect(sixth.safeMode).toBe(true);
    expect(sixth.explanation).toBe("safe mode, no readings: 5 boots in a row failed within a minute");
  });

  test("four such boots, then a healthy minute: the count restarts", () => {
    const { live } = device();
    for (let i = 0; i < DEATHS - 1; i++) live(1_000);
    live(ALIVE_MS);
    for (let i = 0; i < DEATHS; i++) expect(live(1_000).safeMode).toBe(false);
    expect(live(1_000).safeMode).toBe(true);
  });

  test("it lasts as long as its boot; a minute of it, and the next boot is ordinary", () => {
    const { time, live, boot } = device();
    for (let i = 0; i < DEATHS; i++) live(1_000);
    const guard = boot();
    time.advance(86_400_000);
    expect(guard.safeMode).toBe(true);
    guard.close();
    expect(boot().safeMode).toBe(false);
  });

  test("safe mode that fails, too, is followed by safe mode", () => {
    const { live } = device();
    for (let i = 0; i < DEATHS; i++) live(1_000);
    for (let i = 0; i < 300; i++) expect(live(1_000).safeMode).toBe(true);
    expect(live(0).deaths).toBe(255);
  });

  test("restarts in order are no deaths, however soon", () => {
    const { time, boot } = device();
    for (let i = 0; i < 20; i++) {
      const guard = boot();
      time.advance(1_000);
      expect(guard.deaths).toBe(0);
      guard.farewell();
      expect(time.waiting).toBe(0);
    }
  });

  test.each(["power", "brownout", "sleep"] as const)(
    "boots that end by loss of power or in sleep (%s) are no deaths, however many",
    (cause) => {
      const { live } = device();
      for (let i = 0; i < 300; i++) expect(live(100, undefined, cause).deaths).toBe(0);
    },
  );

  test.each(["restart", "crash", "watchdog", "unknown"] as const)("%s within a minute is a death", (cause) => {
    const { live } = device();
    live(100, undefined, "power");
    for (let i = 1; i < DEATHS; i++) expect(live(100, undefined, cause).deaths).toBe(i);
    expect(live(100, undefined, cause).safeMode).toBe(true);
  });

  test("power cuts among failures do not count: the row continues, and pulling the plug does not end safe mode", () => {
    const { live } = device();
    live(100, undefined, "power");
    for (let i = 1; i < DEATHS; i++) {
      expect(live(100, undefined, "crash").deaths).toBe(i);
      expect(live(100, undefined, "power").deaths).toBe(i);
    }
    expect(live(100, undefined, "crash").safeMode).toBe(true);
    expect(live(100, undefined, "power").safeMode).toBe(true);
  });

  test("any history: safe mode exactly when the last five boots or more died early", () => {
    const lives = fc.array(fc.constantFrom(0, 1, ALIVE_MS - 1, ALIVE_MS, 3_600_000), { maxLength: 40 });
    fc.assert(
      fc.property(lives, (history) => {
        const { live } = device();
        history.forEach((ms, i) => {
          const before = history.slice(0, i);
          const row = before.length - 1 - before.findLastIndex((earlier) => earlier >= ALIVE_MS);
          const guard = live(ms);
          expect([guard.deaths, guard.safeMode]).toEqual([row, row >= DEATHS]);
        });
      }),
    );
  });
});

describe("last words", () => {
  test("remembered, shown at the next boot, and removed after a healthy one", () => {
    const { live } = device();
    live(3_600_000, "uncaught: TypeError: cannot read property of undefined");
    const next = live(3_600_000);
    expect(next.lastWords).toBe("uncaught: TypeError: cannot read property of undefined");
    expect(live(1_000).lastWords).toBe("");
  });

  test("reported in the first minute of a boot that goes on: they are kept for the next one", () => {
    const { time, boot, live } = device();
    live(1_000, "said before");
    const guard = boot();
    guard.remember("said before");
    time.advance(3_600_000);
    guard.close();
    expect(live(1_000).lastWords).toBe("said before");
  });

  test("lack of memory leaves no words: those of an earlier failure in the row are used", () => {
    const { live, boot } = device();
    live(1_000, "uncaught: outbox");
    for (let i = 1; i < DEATHS; i++) live(1_000);
    expect(boot().explanation).toBe(
      "safe mode, no readings: 5 boots in a row failed within a minute; the last reason: uncaught: outbox",
    );
  });

  test("a farewell leaves none", () => {
    const { boot } = device();
    const guard = boot();
    guard.remember("watchdog");
    guard.farewell();
    expect(boot().lastWords).toBe("");
  });

  test("any text: one bounded line of printable ASCII", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 2 * WORDS_LENGTH }), (words) => {
        const { live, boot, store } = device();
        live(1_000, words);
        expect(store.value?.byteLength).toBeLessThanOrEqual(2 + WORDS_LENGTH);
        const { lastWords } = boot();
        expect(lastWords).toMatch(/^[ -~]*$/);
        expect(lastWords).toHaveLength([...words.slice(0, WORDS_LENGTH)].length);
      }),
    );
  });
});

describe("the store", () => {
  test("two writes a boot, no more, however long it lives", () => {
    const { live, store } = device();
    live(365 * 86_400_000);
    expect(store.writes).toBe(2);
  });

  test("it fails, now or later: reported, and the device boots ordinarily", () => {
    const { time, live, boot, store, problems } = device();
    for (let i = 0; i < DEATHS; i++) live(1_000);
    store.fault = "NVS full";
    const guard = boot();
    guard.remember("lost");
    time.advance(ALIVE_MS);
    guard.farewell();
    expect(guard.safeMode).toBe(false);
    expect(problems).toEqual(new Array(5).fill(new Error("NVS full")));
  });

  test("any content of the entry: no exception, and the count fits a byte", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const { boot, store } = device();
        store.value = new Uint8Array(bytes).buffer;
        const guard = boot();
        expect(guard.deaths).toBe(bytes.length >= 2 && bytes[0] === 1 ? bytes[1] : 0);
        expect(guard.lastWords.length).toBeLessThanOrEqual(WORDS_LENGTH);
      }),
    );
  });
});

import { afterEach, describe, expect } from "vitest";
import { type WorkerOptions, XSAborted, XSError, XSWorker } from "../engine/worker.js";
import { xsTest as test } from "./available.js";

const open: XSWorker[] = [];

async function start(options?: WorkerOptions): Promise<XSWorker> {
  const worker = await XSWorker.open(options);
  open.push(worker);
  return worker;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((worker) => worker.close()));
});

const DEVICE = {
  arenaBytes: 32_768,
  initialChunkBytes: 2048,
  incrementalChunkBytes: 512,
  initialSlots: 256,
  incrementalSlots: 64,
  stackSlots: 256,
};

describe("commands", () => {
  test("evaluate answers with the value of the last expression", async () => {
    const xs = await start();
    expect((await xs.evaluate("let a = 20; a + 1")).text).toBe("21");
    expect((await xs.evaluate("a")).text).toBe("20");
    expect((await xs.evaluate("Uint8Array.of(1, 254).buffer")).bytes).toEqual(Buffer.from([1, 254]));
    expect((await xs.evaluate("undefined")).bytes).toHaveLength(0);
  });

  test("call hands bytes to onMessage, and its buffer back", async () => {
    const xs = await start();
    await xs.evaluate("globalThis.onMessage = (buffer) => new Uint8Array(buffer).map((byte) => byte + 1).buffer");
    expect((await xs.call(Uint8Array.of(1, 2, 3))).bytes).toEqual(Buffer.from([2, 3, 4]));
  });

  test("the job queue is empty before the reply", async () => {
    const xs = await start();
    await xs.evaluate("let done = 0; (async () => { for (let i = 0; i < 5; i++) { await null; done++; } })()");
    expect((await xs.evaluate("done")).text).toBe("5");
  });

  test("commands given at once run in order", async () => {
    const xs = await start();
    const replies = await Promise.all(["let n = 1; n", "++n", "++n"].map((script) => xs.evaluate(script)));
    expect(replies.map((reply) => reply.text)).toEqual(["1", "2", "3"]);
  });
});

describe("what goes wrong", () => {
  test("a throw rejects with XS's message and frames, and the machine continues", async () => {
    const xs = await start();
    await expect(xs.evaluate("function inner() { throw new RangeError('too far') } inner()")).rejects.toThrow(
      /^RangeError: too far\n at inner/,
    );
    expect((await xs.evaluate("1 + 1")).text).toBe("2");
  });

  test("a throw carries its cost too", async () => {
    const xs = await start();
    const error = await xs.evaluate("for (let i = 0; i < 100; i++); throw 1").catch((thrown) => thrown);
    expect(error).toBeInstanceOf(XSError);
    expect(error.figures.computrons).toBeGreaterThan(300);
  });

  test("a syntax error rejects", async () => {
    await expect((await start()).evaluate("let = = 1")).rejects.toThrow(/SyntaxError/);
  });

  test("a rejection that is not handled rejects the command", async () => {
    const xs = await start();
    await expect(xs.evaluate("Promise.reject(new Error('lost')); 1")).rejects.toThrow(
      /unhandled rejection: Error: lost/,
    );
    expect((await xs.evaluate("Promise.reject(new Error('found')).catch(() => {}); 1")).text).toBe("1");
  });

  test("endless recursion ends the machine and is reported", async () => {
    const xs = await start();
    await xs.boot(DEVICE);
    await expect(xs.evaluate("(function again() { again() })()")).rejects.toThrow(/stack overflow/);
    await expect(xs.evaluate("1")).rejects.toBeInstanceOf(XSAborted);
  });

  test("close rejects what is under way", async () => {
    const xs = await start();
    const forever = expect(xs.evaluate("for (;;);")).rejects.toThrow(/closed/);
    await xs.close();
    await forever;
  });
});

describe("host calls", () => {
  test("the machine waits for Node's answer", async () => {
    const xs = await start({ onHostCall: (name, bytes) => `${name}:${bytes.join()}` });
    const script = "String.fromArrayBuffer(host.call('sum', Uint8Array.of(9, 1, 2, 9).subarray(1, 3)))";
    expect((await xs.evaluate(script)).text).toBe("sum:1,2");
  });

  test("no answer is undefined", async () => {
    const xs = await start({ onHostCall: () => undefined });
    expect((await xs.evaluate("typeof host.call('nothing')")).text).toBe("undefined");
  });

  test("what Node throws is thrown in the machine", async () => {
    const xs = await start({
      onHostCall: () => {
        throw new Error("write failed");
      },
    });
    expect((await xs.evaluate("try { host.call('flash') } catch (e) { e.message }")).text).toBe("write failed");
  });

  test("trace reaches Node", async () => {
    const lines: string[] = [];
    const xs = await start({ onTrace: (line) => lines.push(line) });
    await xs.evaluate("host.trace('21.5 °C')");
    expect(lines).toEqual(["21.5 °C"]);
  });
});

describe("as on the device", () => {
  test("strings are UTF-8: a character outside the BMP is one character", async () => {
    const xs = await start();
    expect((await xs.evaluate("'\u{1F321}'.length")).text).toBe("1");
    expect((await xs.evaluate("new Uint8Array(ArrayBuffer.fromString('°\u{1F321}')).join()")).text).toBe(
      "194,176,240,159,140,161",
    );
    expect((await xs.evaluate("String.fromArrayBuffer(Uint8Array.of(0xc2, 0xb0).buffer)")).text).toBe("°");
  });

  test("doubles are rounded once, as the device's are", async () => {
    const xs = await start();
    // 1 + 2^-53 + 2^-65 lies above the middle between two doubles; rounded to 64 bits first it would lie on it, and go down.
    expect((await xs.evaluate("1 + (2 ** -53 + 2 ** -65)")).text).toBe("1.0000000000000002");
  });

  test("slots are as wide as the words say", async () => {
    const xs = await start();
    expect((await xs.evaluate("1")).figures.slotBytes).toBe(xs.wordBits === 32 ? 16 : 32);
  });

  test("there is no console, no setTimeout, no Node", async () => {
    const xs = await start();
    const names = ["console", "setTimeout", "process", "require", "Buffer", "TextEncoder", "structuredClone"];
    expect(
      (await xs.evaluate(`[${names.map((name) => `typeof ${name}`)}].every((type) => type === "undefined")`)).text,
    ).toBe("true");
  });
});

describe("the meter", () => {
  test("computrons count byte codes: the same program, the same count, and in proportion to the turns", async () => {
    const count = async (turns: number) =>
      (await (await start()).evaluate(`(function () { for (let i = 0; i < ${turns}; i++); })()`)).figures.computrons;
    const [ten, again, twenty, thirty] = [await count(10), await count(10), await count(20), await count(30)];
    expect(again).toBe(ten);
    expect(twenty).toBeGreaterThan(ten);
    expect(thirty - twenty).toBe(twenty - ten);
  });

  test("slots and chunk bytes allocated are reported when nothing was collected", async () => {
    const xs = await start();
    await xs.evaluate(
      "let kept = [], make = (n) => { for (let i = 0; i < n; i++) kept.push({ i }); }, bytes = (n) => new ArrayBuffer(n); make(1); bytes(1)",
    );
    const none = (await xs.evaluate("make(0)")).figures;
    const many = (await xs.evaluate("make(100)")).figures;
    expect(many.collections).toBe(0);
    expect(many.slotsAllocated - none.slotsAllocated).toBe(200); // an instance and its property
    const small = (await xs.evaluate("bytes(8)")).figures;
    const large = (await xs.evaluate("bytes(808)")).figures;
    expect(large.chunkBytesAllocated - small.chunkBytesAllocated).toBe(800);
  });

  test("after collect, slots are what is alive: a leak of one object shows as its slots", async () => {
    const xs = await start();
    await xs.evaluate("let leak; const turn = () => { let dropped = { at: 1 }; leak = { leak }; }; turn()");
    const before = (await xs.collect()).slots;
    await xs.evaluate("turn()");
    expect((await xs.collect()).slots - before).toBe(2);
  });

  test("scripts can read the meter themselves, at no slots", async () => {
    const xs = await start();
    const script =
      "host.slots(); let a = host.slots(); host.computrons(); host.chunkBytes(); host.collections(); host.slots() - a";
    expect((await xs.evaluate(script)).text).toBe("0");
  });

  test("the profiling worker counts the same, and shows where", { timeout: 300_000 }, async () => {
    const script =
      "class Sum { #n = 0; add(i) { this.#n += i; } } const sum = new Sum(); for (let i = 0; i < 50; i++) sum.add(i);";
    const plain = (await (await start()).evaluate(script)).figures.computrons;
    const profiling = await start({ variant: "profile" });
    expect((await profiling.evaluate(script)).figures.computrons).toBe(plain);
    const rows = (await profiling.profile()).split("\n").map((line) => line.split("\t"));
    const [, calls, computrons] = rows.find(([name]) => name === "Sum.add") ?? [];
    expect(calls).toBe("50");
    expect(Number(computrons)).toBeGreaterThan(50 * 4);
    expect(Number(computrons)).toBeLessThan(plain);
  });
});

describe("memory", () => {
  const PRELOAD = `
    let turns = 0;
    class Device { static made = 0; #readings = []; take(n) { Device.made += n; for (let i = 0; i < n; i++) this.#readings.push({ i }); return this.#readings.length; } }
    globalThis.take = (n) => new Device().take(n);
    globalThis.turn = () => ++turns * 100 + Device.made;`;

  test("what is preloaded costs the app machine nothing until it is changed", async () => {
    const xs = await start();
    await xs.preload(PRELOAD);
    const { figures } = await xs.boot(DEVICE);
    expect(figures.slots).toBeLessThan(40);
    expect(figures.chunkBytes).toBe(0);
  });

  test("a boot is a reset: state and heap are as new, the preloaded code is there", async () => {
    const xs = await start();
    await xs.preload(PRELOAD);
    const first = (await xs.boot(DEVICE)).figures;
    expect((await xs.evaluate("take(3); turn(); turn()")).text).toBe("203");
    expect((await xs.boot(DEVICE)).figures).toEqual(first);
    expect((await xs.evaluate("turn()")).text).toBe("100");
  });

  test("a preloaded buffer, map or set is in flash: writing to it throws, even nothing", async () => {
    const xs = await start();
    await xs.preload(`
      const EMPTY = new Uint8Array(0), bytes = new Uint8Array(4), map = new Map([[1, 2]]), set = new Set([3]);
      globalThis.flash = { EMPTY, bytes, map, set };`);
    await xs.boot(DEVICE);
    for (const write of ["EMPTY.fill(0)", "bytes[0] = 1", "bytes.set([1])", "map.set(1, 3)", "set.add(4)"]) {
      await expect(xs.evaluate(`"use strict"; flash.${write}`), write).rejects.toThrow(/read-only/);
    }
    expect(
      (await xs.evaluate("[flash.bytes.slice().fill(1)[0], flash.map.get(1), flash.set.has(3)].join()")).text,
    ).toBe("1,2,true");
  });

  test("an arena of 32 KB holds what fits, whatever garbage is made", async () => {
    const xs = await start();
    await xs.preload(PRELOAD);
    await xs.boot(DEVICE);
    const { figures } = await xs.evaluate("for (let i = 0; i < 1000; i++) take(100)");
    expect(figures.collections).toBeGreaterThan(10);
    expect(figures.arenaUsedBytes).toBeLessThanOrEqual(32_768);
    expect(figures.peakSlots * figures.slotBytes + figures.peakChunkBytes).toBeLessThanOrEqual(32_768);
  });

  test("beyond the arena the machine ends, as a device resets", async () => {
    const xs = await start();
    await xs.preload(PRELOAD);
    await xs.boot(DEVICE);
    await expect(xs.evaluate("take(2000)")).rejects.toThrow(/memory full/);
  });
});

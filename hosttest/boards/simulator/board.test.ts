/* The simulator's own parts, on Node with stand-ins for the SDK's modules: its flash in a file, its sockets. */
import { expect, test } from "vitest";
import type { Resolver, TCPConstructor } from "../../../src/mqtt/wire/io.js";
import type { Flash } from "../../../src/outbox/flash/flash.js";
import { Hardware, load } from "../sdk.js";

const PATH = "/tmp/thermometer.flash";
const BLOCK = 4096;
const SIZE = 4 * BLOCK;

interface Image {
  partition(firstBlock: number, blocks: number): Flash;
  cutAfter(bytes: number, onCut: () => void): void;
}

/** The chip in PATH, opened as by a machine that starts. */
async function imageOn(hardware: Hardware, path = PATH, oldBytes?: number): Promise<Image> {
  const exported = await load<{ Image: new (path: string, sizeBytes: number, oldBytes?: number) => Image }>(
    "boards/simulator/image.ts",
    hardware,
  );
  return new exported.Image(path, SIZE, oldBytes);
}

function contents(flash: Flash, length: number): number[] {
  const bytes = new Uint8Array(length);
  flash.read(bytes, 0);
  return [...bytes];
}

test("a new chip is erased, and its file has its size", async () => {
  const hardware = new Hardware();
  const flash = (await imageOn(hardware)).partition(0, 4);
  expect(flash.status()).toEqual({ size: SIZE, blockLength: BLOCK, blocks: 4 });
  expect(new Set(contents(flash, SIZE))).toEqual(new Set([0xff]));
  expect(hardware.files.get(PATH)).toHaveLength(SIZE);
});

test("programming clears bits and never sets them; erasing a block sets them, in that block alone", async () => {
  const flash = (await imageOn(new Hardware())).partition(1, 2);
  flash.write(Uint8Array.of(0xf0, 0x0f), 0);
  flash.write(Uint8Array.of(0x3c, 0xff), 0);
  flash.write(Uint8Array.of(0x11), BLOCK);
  expect(contents(flash, 2)).toEqual([0x30, 0x0f]);
  flash.eraseBlock(0);
  expect(contents(flash, 2)).toEqual([0xff, 0xff]);
  expect(contents(flash, 2 * BLOCK)[BLOCK]).toBe(0x11);
});

test("a block has one owner: a second partition over it is refused", async () => {
  const image = await imageOn(new Hardware());
  image.partition(0, 2);
  expect(() => image.partition(1, 2)).toThrow("flash block 1: a part of another partition");
  expect(image.partition(2, 2).status().blocks).toBe(2);
});

test("what was programmed is in the file when the call returns: another machine finds it", async () => {
  const hardware = new Hardware();
  (await imageOn(hardware)).partition(1, 1).write(Uint8Array.of(1, 2, 3), 7);
  const found = new Uint8Array(3);
  (await imageOn(hardware)).partition(1, 1).read(found, 7);
  expect([...found]).toEqual([1, 2, 3]);
});

test("outside of the partition nothing is read, written or erased", async () => {
  const flash = (await imageOn(new Hardware())).partition(1, 1);
  expect(() => flash.read(new Uint8Array(2), BLOCK - 1)).toThrow(/^read failed$/);
  expect(() => flash.write(new Uint8Array(2), BLOCK - 1)).toThrow(/^write failed$/);
  expect(() => flash.write(new Uint8Array(1), -1)).toThrow(/^write failed$/);
  expect(() => flash.eraseBlock(1)).toThrow(/^erase failed$/);
});

test.each([0, 1, 2, 3])(
  "power goes after %d of 4 bytes: those stay, nothing else happens until the next start",
  async (bytes) => {
    const hardware = new Hardware();
    const image = await imageOn(hardware);
    const flash = image.partition(0, 1);
    let cuts = 0;
    image.cutAfter(bytes, () => cuts++);
    expect(() => flash.write(Uint8Array.of(1, 2, 3, 4), 0)).toThrow(/^no power$/);
    expect(() => flash.read(new Uint8Array(1), 0)).toThrow(/^no power$/);
    expect(() => flash.eraseBlock(0)).toThrow(/^no power$/);
    expect(cuts).toBe(1);
    const after = contents((await imageOn(hardware)).partition(0, 1), 4);
    expect(after).toEqual([1, 2, 3, 4].map((byte, at) => (at < bytes ? byte : 0xff)));
  },
);

test("a file of another size is refused with its name; so is one that cannot be written", async () => {
  const hardware = new Hardware();
  hardware.files.set(PATH, new Uint8Array(100));
  await expect(imageOn(hardware)).rejects.toThrow(`${PATH}: 100 bytes, expected a flash image of ${SIZE}`);
  await expect(imageOn(hardware, "/forbidden/x")).rejects.toThrow(/^\/forbidden\/x: cannot be written/);
});

test("a file of old, shorter, is kept, and what it lacks appended, erased; a shorter one still is refused", async () => {
  const hardware = new Hardware();
  hardware.files.set(PATH, new Uint8Array(2 * BLOCK).fill(7));
  const flash = (await imageOn(hardware, PATH, 2 * BLOCK)).partition(0, 4);
  const kept = [...Array(2 * BLOCK).fill(7), ...Array(2 * BLOCK).fill(0xff)];
  expect(contents(flash, SIZE)).toEqual(kept);
  expect([...(hardware.files.get(PATH) ?? [])]).toEqual(kept);
  hardware.files.set(PATH, new Uint8Array(2 * BLOCK - 1));
  await expect(imageOn(hardware, PATH, 2 * BLOCK)).rejects.toThrow(`expected a flash image of ${SIZE}`);
});

test("a simulator that was killed while it made its file completes it at the next start", async () => {
  for (const length of [0, 1, BLOCK, SIZE - 1]) {
    const hardware = new Hardware();
    hardware.files.set(PATH, new Uint8Array(length).fill(0xff));
    await imageOn(hardware);
    expect(hardware.files.get(PATH)).toEqual(new Uint8Array(SIZE).fill(0xff));
  }
});

test("nothing is called after close, also when the SDK has it on its tongue", async () => {
  const hardware = new Hardware();
  const { TCP } = await load<{ TCP: TCPConstructor }>("boards/simulator/sockets.ts", hardware);
  const heard: string[] = [];
  const socket = new TCP({
    host: "localhost",
    address: "127.0.0.1",
    port: 1883,
    format: "buffer",
    onReadable: (count) => heard.push(`readable ${count}`),
    onWritable: () => {
      heard.push("writable");
      socket.close();
    },
    onError: () => heard.push("error"),
  });
  const [{ options }] = hardware.tcpSockets;
  options.onReadable(5);
  options.onWritable(1536);
  options.onReadable(5);
  options.onError();
  expect(heard).toEqual(["readable 5", "writable"]);
  expect(hardware.tcpSockets[0].isClosed).toBe(true);
});

test.each([
  ["localhost", "127.0.0.1"],
  ["192.0.2.7", "192.0.2.7"],
  ["broker.lan", "192.0.2.1"],
  ["nowhere.lan", undefined],
])("%s is %s", async (host, address) => {
  const hardware = new Hardware();
  hardware.hosts.set("broker.lan", "192.0.2.1");
  const { Names } = await load<{ Names: new () => Resolver }>("boards/simulator/sockets.ts", hardware);
  const answer = await new Promise<string | undefined>((done) =>
    new Names().resolve({ host, onResolved: (_host, found) => done(found), onError: () => done(undefined) }),
  );
  expect(answer).toBe(address);
});

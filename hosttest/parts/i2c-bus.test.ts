import { describe, expect, test } from "vitest";
import { I2CBus, type I2CPart } from "../../boards/parts/i2c/i2c-bus.js";

const ADDRESS = 0x20;

/** Eight byte registers; the pointer moves on. */
class Registers implements I2CPart {
  readonly bytes = new Uint8Array(8);
  powerOns = 0;
  #pointer = 0;

  powerOn(): void {
    this.powerOns++;
  }

  write(bytes: Uint8Array): boolean {
    if (bytes.length > 0) this.#pointer = bytes[0];
    for (let at = 1; at < bytes.length; at++) this.bytes[this.#pointer++ & 7] = bytes[at];
    return true;
  }

  read(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; at++) bytes[at] = this.bytes[this.#pointer++ & 7];
    return true;
  }
}

function setUp() {
  const bus = new I2CBus();
  const part = new Registers();
  bus.attach(ADDRESS, part);
  const io = new bus.SMBus({ data: 21, clock: 22, address: ADDRESS, hz: 100_000 });
  return { bus, part, io };
}

describe("SMBus", () => {
  test("bytes, words of either order, and buffers arrive where they should", () => {
    const { part, io } = setUp();
    io.writeUint8(0, 0xab);
    io.writeUint16(1, 0x1234);
    io.writeUint16(3, 0x1234, true);
    io.writeBuffer(5, Uint8Array.of(7, 8, 9));
    expect([...part.bytes]).toEqual([0xab, 0x34, 0x12, 0x12, 0x34, 7, 8, 9]);
    expect(io.readUint8(0)).toBe(0xab);
    expect(io.readUint16(1)).toBe(0x1234);
    expect(io.readUint16(1, true)).toBe(0x3412);
    const buffer = new Uint8Array(3);
    expect(io.readBuffer(5, buffer)).toBe(3);
    expect([...buffer]).toEqual([7, 8, 9]);
    io.sendByte(6);
    expect(io.receiveByte()).toBe(8);
  });

  test("it is an I2C too: write, read by count or into a buffer", () => {
    const { io } = setUp();
    io.write(Uint8Array.of(2, 5, 6));
    io.write(Uint8Array.of(2).buffer);
    expect([...new Uint8Array(io.read(2))]).toEqual([5, 6]);
    expect(io.writeRead(Uint8Array.of(3), new Uint8Array(1))).toBe(1);
    expect(io.format).toBe("buffer");
  });
});

describe("as strict as the SDK", () => {
  const good = { data: 21, clock: 22, address: ADDRESS, hz: 100_000 };

  test("an address is open once; closed, it can be opened again", () => {
    const { bus, io } = setUp();
    expect(() => new bus.I2C(good)).toThrow(new RangeError("duplicate address"));
    io.close();
    io.close();
    new bus.I2C(good);
    expect(bus.openCount).toBe(1);
  });

  test.each([
    [{ data: 5 }, "unusable pins"],
    [{ address: 128 }, "invalid address"],
    [{ hz: 0 }, "invalid hz"],
  ])("%o is refused", (wrong, message) => {
    const bus = new I2CBus();
    expect(() => new bus.I2C({ ...good, ...wrong })).toThrow(new RangeError(message));
    expect(bus.openCount).toBe(0);
  });

  test("a closed object throws", () => {
    const { io } = setUp();
    io.close();
    expect(() => io.readUint8(0)).toThrow(SyntaxError);
  });

  test("pins of an open bus cannot be had as GPIOs", () => {
    const { bus, io } = setUp();
    const options = { pin: 21, mode: bus.Digital.InputPullUp };
    expect(() => new bus.Digital(options)).toThrow(new RangeError("inUse"));
    io.close();
    expect(new bus.Digital(options).read()).toBe(1);
  });
});

describe("faults", () => {
  test("nothing at the address: each call fails with the SDK's words", () => {
    const { bus, io } = setUp();
    bus.detach(ADDRESS);
    expect(() => io.write(Uint8Array.of(0))).toThrow("write failed");
    expect(() => io.read(1)).toThrow("read failed");
    expect(() => io.readUint8(0)).toThrow("writeRead failed");
  });

  test("unplugged: fails; plugged in again: the part has been powered on again", () => {
    const { bus, part, io } = setUp();
    bus.unplug(ADDRESS);
    expect(() => io.readUint8(0)).toThrow();
    bus.plug(ADDRESS);
    bus.plug(ADDRESS);
    expect(io.readUint8(0)).toBe(0);
    expect(part.powerOns).toBe(1);
  });

  test("the next two calls are not acknowledged, the third is", () => {
    const { bus, io } = setUp();
    bus.nackNext(2);
    expect(() => io.writeUint8(0, 1)).toThrow();
    expect(() => io.writeUint8(0, 1)).toThrow();
    io.writeUint8(0, 1);
  });

  test("a flipped bit hurts one read, in the order of the wire", () => {
    const { bus, io } = setUp();
    bus.flipNextRead(8);
    expect(io.readUint16(0, true)).toBe(0x0080);
    expect(io.readUint16(0, true)).toBe(0);
  });

  test("a stuck data line reads low and fails all calls, each for its time limit, until it got its clocks", () => {
    const { bus, io } = setUp();
    bus.stickData(2);
    expect(() => io.readUint8(0)).toThrow();
    expect(bus.blockedMs).toBe(400);
    io.close();
    const data = new bus.Digital({ pin: 21, mode: bus.Digital.InputPullUp });
    const clock = new bus.Digital({ pin: 22, mode: bus.Digital.OutputOpenDrain, initialValue: 1 });
    const levels = [];
    for (let edge = 0; edge < 4; edge++) {
      clock.write((edge & 1) as 0 | 1);
      levels.push(data.read());
    }
    expect(levels).toEqual([0, 0, 0, 1]);
  });

  test("a stuck bus blocks each call for its time limit, and can recover", () => {
    const { bus, io } = setUp();
    bus.kill();
    expect(() => io.readUint8(0)).toThrow();
    expect([bus.calls, bus.blockedMs]).toEqual([1, 400]);
    bus.revive();
    expect(io.readUint8(0)).toBe(0);
  });

  test("two parts cannot have one address", () => {
    const { bus } = setUp();
    expect(() => bus.attach(ADDRESS, new Registers())).toThrow(RangeError);
  });
});

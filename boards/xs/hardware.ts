/*
 * The hardware of a machine on XS from one reset to the next. At the reset everything that the machine opened is closed, and late
 * events are dropped.
 */
import type { Board } from "../../src/board.js";
import type { SerialPort } from "../../src/console/port/serial.js";
import type { TCP } from "../../src/mqtt/wire/io.js";
import type { Flash } from "../../src/outbox/flash/flash.js";
import type { Sleeper } from "../../src/power/io.js";
import type { Digital, SMBus } from "../../src/sensor/io.js";
import type { KeyValueStore } from "../../src/settings/store.js";
import type { SlotFlash } from "../../src/update/io.js";
import { onSlots, otherSlot } from "./slots.js";
import { type Answer, type Call, EVENT, number, PARTITION } from "./wire.js";

/** Bytes that a stream can read and write now. Events do not contain them, because they may be late. */
interface Available {
  readable: number;
  writable: number;
}

/** Notifies the machine of an event. */
export type Notify = (handle: number, event: number, value: number, rest?: Uint8Array) => void;

export class Hardware {
  readonly #board: Board;
  readonly #notify: Notify;
  readonly #timers = new Map<number, object | number>();
  readonly #sockets = new Map<number, TCP>();
  readonly #ports = new Map<number, SerialPort>();
  readonly #available = new Map<number, Available>();
  readonly #buses: SMBus[] = [];
  readonly #pins: Digital[] = [];
  readonly #flashes = new Map<number, Flash | SlotFlash>();
  #sleeper: Sleeper | undefined;
  #settings: KeyValueStore | undefined;

  constructor(board: Board, notify: Notify) {
    this.#board = board;
    let isOn = true;
    this.#notify = (...event) => {
      if (isOn) notify(...event);
    };
    this.powerOff = () => {
      isOn = false;
      this.#release();
    };
  }

  /** Closes everything, as a reset does. No event is sent afterwards. */
  readonly powerOff: () => void;

  /** Executes an operation of the machine; undefined: it is not one of hardware. @throws what the hardware throws */
  answer(operation: string, call: Call): { readonly answer: Answer } | undefined {
    const [thing] = operation.split(".", 1);
    switch (thing) {
      case "timer":
      case "clock":
      case "random":
        return { answer: this.#time(operation, call) };
      case "flash":
        return { answer: this.#onFlash(operation, call) };
      case "slots":
        return { answer: onSlots(opened(this.#board.update, operation), operation, call) };
      case "settings":
        return { answer: this.#onSettings(operation, call) };
      case "tcp":
        return { answer: this.#onStream(operation, call, this.#sockets, (given) => this.#connect(call.handle, given)) };
      case "serial":
        return { answer: this.#onStream(operation, call, this.#ports, () => this.#openPort(call.handle)) };
      case "dns":
        return { answer: this.#resolve(call) };
      case "smbus":
        return { answer: this.#onBus(operation, call) };
      case "digital":
        return { answer: this.#onPin(operation, call) };
      case "sleep":
        return { answer: this.#onSleep(operation, call) };
      case "analog":
        return { answer: this.#readAnalog(operation, call) };
      default:
        return undefined;
    }
  }

  #release(): void {
    for (const timer of this.#timers.values()) this.#board.timers.clear(timer);
    const open = [
      ...this.#sockets.values(),
      ...this.#ports.values(),
      ...this.#buses,
      ...this.#pins,
      ...this.#flashes.values(),
      this.#settings,
      this.#sleeper,
    ];
    for (const io of open) {
      try {
        io?.close?.();
      } catch {
        // It was already closed.
      }
    }
  }

  #time(operation: string, { handle, first }: Call): Answer {
    const { timers, clock } = this.#board;
    switch (operation) {
      case "timer.set": {
        const fire = (): void => {
          this.#timers.delete(handle);
          this.#notify(handle, EVENT.timer, 0);
        };
        this.#timers.set(handle, timers.set(fire, first));
        return undefined;
      }
      case "timer.clear": {
        const timer = this.#timers.get(handle);
        if (timer !== undefined) timers.clear(timer);
        this.#timers.delete(handle);
        return undefined;
      }
      case "clock.uptime":
        return number(clock.uptimeMs());
      case "clock.utc":
        return number(clock.utcMs() ?? Number.NaN);
      case "clock.set":
        this.#board.setUtc(first);
        return undefined;
      default:
        return number(this.#board.random());
    }
  }

  #onFlash(operation: string, { handle, first, second, rest }: Call): Answer {
    if (operation === "flash.open") this.#flashes.set(handle, this.#openFlash(first));
    const flash = opened(this.#flashes.get(handle), operation);
    switch (operation) {
      case "flash.read": {
        const buffer = new Uint8Array(first);
        flash.read(buffer, second);
        return buffer;
      }
      case "flash.write":
        flash.write(rest, first);
        break;
      case "flash.erase":
        flash.eraseBlock(first, second);
        break;
      case "flash.status":
        return JSON.stringify(flash.status());
      case "flash.close":
        this.#flashes.delete(handle);
        flash.close();
    }
    return undefined;
  }

  #openFlash(partition: number): Flash | SlotFlash {
    if (partition === PARTITION.outbox) return this.#board.openFlash();
    if (partition === PARTITION.slot) return otherSlot(opened(this.#board.update, "flash.open"));
    return opened(this.#board.openSettingsFlash?.(), "flash.open");
  }

  #onSettings(operation: string, { first, rest }: Call): Answer {
    if (operation === "settings.open") this.#settings = this.#board.openSettings();
    const settings = opened(this.#settings, operation);
    const key = textOf(operation === "settings.write" ? rest.subarray(0, first) : rest);
    switch (operation) {
      case "settings.read": {
        const value = settings.read(key);
        return value === undefined ? undefined : new Uint8Array(value as ArrayBuffer);
      }
      case "settings.write":
        settings.write(key, rest.slice(first).buffer);
        break;
      case "settings.delete":
        settings.delete(key);
        break;
      case "settings.close":
        this.#settings = undefined;
        settings.close?.();
    }
    return undefined;
  }

  /** Callbacks of a socket or port that become events. */
  #callbacks(handle: number) {
    const available = { readable: 0, writable: 0 };
    this.#available.set(handle, available);
    return {
      format: "buffer" as const,
      onReadable: (bytes: number): void => {
        available.readable = bytes;
        this.#notify(handle, EVENT.readable, 0);
      },
      onWritable: (bytes: number): void => {
        available.writable = bytes;
        this.#notify(handle, EVENT.writable, 0);
      },
      onError: (): void => this.#notify(handle, EVENT.error, 0),
    };
  }

  #connect(handle: number, given: object): TCP {
    const { io, ...others } = this.#board.tcp;
    return new io({ ...others, ...given, ...this.#callbacks(handle) } as ConstructorParameters<typeof io>[0]);
  }

  #openPort(handle: number): SerialPort {
    const { io, ...others } = opened(this.#board.serial, "serial");
    return new io({ ...others, ...this.#callbacks(handle) });
  }

  #onStream<S extends TCP | SerialPort>(
    operation: string,
    { handle, first, rest }: Call,
    streams: Map<number, S>,
    open: (given: object) => S,
  ): Answer {
    const verb = operation.slice(operation.indexOf(".") + 1);
    if (verb === "open") {
      streams.set(handle, open(JSON.parse(textOf(rest))));
      return undefined;
    }
    const stream = opened(streams.get(handle), operation);
    const available = opened(this.#available.get(handle), operation);
    switch (verb) {
      case "read": {
        const buffer = new Uint8Array(first);
        stream.read(buffer);
        available.readable -= first;
        return buffer;
      }
      case "write": {
        const left = stream.write(rest);
        available.writable = typeof left === "number" ? left : available.writable - rest.length;
        return number(available.writable);
      }
      case "readable":
        return number(available.readable);
      case "writable":
        return number(available.writable);
      case "close":
        streams.delete(handle);
        this.#available.delete(handle);
        stream.close();
        break;
      case "idle":
        (stream as SerialPort).idle?.();
    }
    return undefined;
  }

  #resolve({ handle, rest }: Call): Answer {
    const dns = opened(this.#board.dns, "dns");
    new dns.io(dns).resolve({
      host: textOf(rest),
      onResolved: (_host, address) => this.#notify(handle, EVENT.resolved, 0, Buffer.from(address)),
      onError: () => this.#notify(handle, EVENT.error, 0),
    });
    return undefined;
  }

  #onBus(operation: string, { handle, first, second, rest }: Call): Answer {
    if (operation === "smbus.open") {
      const { io, digital, ...others } = this.#board.sensor;
      return number(this.#buses.push(new io({ ...others, ...JSON.parse(textOf(rest)) })) - 1);
    }
    const bus = opened(this.#buses[handle], operation);
    switch (operation) {
      case "smbus.read": {
        const buffer = new Uint8Array(first);
        bus.read(buffer);
        return buffer;
      }
      case "smbus.readUint8":
        return number(bus.readUint8(first));
      case "smbus.readUint16":
        return number(bus.readUint16(first, second === 1));
      case "smbus.write":
        bus.write(rest);
        break;
      case "smbus.writeUint8":
        bus.writeUint8(first, second);
        break;
      case "smbus.writeUint16BE":
      case "smbus.writeUint16LE":
        bus.writeUint16(first, second, operation.endsWith("BE"));
        break;
      case "smbus.close":
        bus.close();
    }
    return undefined;
  }

  #onSleep(operation: string, { first, second, rest }: Call): Answer {
    const { sleep } = this.#board;
    if (operation === "sleep.open") this.#sleeper = sleep && new sleep.io(sleep);
    const sleeper = opened(this.#sleeper, operation);
    switch (operation) {
      case "sleep.cause":
        return sleeper.cause;
      case "sleep.firmware":
        return sleeper.firmware;
      case "sleep.clock":
        return number(sleeper.slowClockMs());
      case "sleep.read": {
        const buffer = new Uint8Array(first);
        sleeper.readMemory(buffer, second);
        return buffer;
      }
      case "sleep.write":
        sleeper.writeMemory(rest, first);
        break;
      case "sleep.sleep":
        sleeper.sleep(first);
        break;
      case "sleep.close":
        this.#sleeper = undefined;
        sleeper.close();
    }
    return undefined;
  }

  #readAnalog(operation: string, { first }: Call): Answer {
    const { io } = opened(this.#board.battery, operation);
    const input = new io({ pin: first });
    const value = input.read();
    input.close();
    return value === undefined ? undefined : number(value);
  }

  #onPin(operation: string, { handle, first, rest }: Call): Answer {
    if (operation === "digital.open") {
      const Pin = opened(this.#board.sensor.digital, operation);
      return number(this.#pins.push(new Pin(JSON.parse(textOf(rest)))) - 1);
    }
    const pin = opened(this.#pins[handle], operation);
    if (operation === "digital.read") return number(pin.read());
    if (operation === "digital.write") pin.write(first === 1 ? 1 : 0);
    if (operation === "digital.close") pin.close();
    return undefined;
  }
}

function opened<T>(thing: T | undefined, operation: string): T {
  if (thing === undefined) throw new Error(`${operation}: closed, or not there`);
  return thing;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

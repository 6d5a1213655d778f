/*
 * The ESP32 board on Node: boards/esp32 and boards/moddable are bundled with small stand-ins for the SDK's modules, which behave as the
 * SDK's sources where that matters: a UART that the debugger uses cannot be opened, ticks wrap, sockets throw. A test controls the
 * stand-ins by a `Hardware`, which also records the calls.
 */
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import type { TCPConstructor, TCPOptions } from "../../src/mqtt/wire/io.js";

/** Behaviour of the stubs, and a record of the calls. */
export class Hardware {
  /** Milliseconds since boot, as the chip counts them: 32 bits, signed. */
  ticks = 0;
  seconds: number | undefined;
  config: Record<string, unknown> = {
    board: {
      name: "esp32",
      sensor: { data: 21, clock: 22 },
      button: 0,
      prompt: [
        { port: 0, receive: 3, transmit: 1 },
        { port: 2, receive: 16, transmit: 17 },
      ],
    },
  };
  dnsServers: string[] | undefined = ["192.168.1.1"];
  resetReason = 1;
  /** UARTs that the debugger has. */
  readonly takenUARTs = new Set<number>();
  readonly openedUARTs: { port: number; baud: number }[] = [];
  readonly partitions: string[] = [];
  readonly namespaces: string[] = [];
  readonly resolvers: FakeResolver[] = [];
  readonly udpSockets: FakeUDP[] = [];
  restarts = 0;
  /** Values of the ADC, and its open pins. */
  analog = 0;
  readonly analogPins: number[] = [];
  /** Keys of `config` that were read, and modules that were imported by name. */
  readonly configReads: string[] = [];
  readonly imports: string[] = [];
  /** How often the radio was set up. */
  radios = 0;
  readonly traced: string[] = [];
  /** Our own functions of C, by name. */
  readonly native: Record<string, (...args: never[]) => unknown> = {
    xs_mac_address: () => "246f28abcdef",
    xs_has_tls: () => false,
  };
  /** Files by path: what the module `file` keeps. */
  readonly files = new Map<string, Uint8Array>();
  /** The class of sockets; undefined: they connect to nothing. */
  TCP: TCPConstructor | undefined;
  readonly tcpSockets: { readonly options: TCPOptions; isClosed: boolean }[] = [];
  /** Names that the computer's resolver knows. */
  readonly hosts = new Map<string, string>();
  /** Behaviour of a UDP write. */
  udpWrite: () => void = () => {};
}

export interface FakeResolver {
  readonly servers: readonly string[];
  isClosed: boolean;
  question?: { host: string; onResolved(host: string, address: string): void; onError(): void };
}

export interface FakeUDP {
  onReadable(packets: number): void;
}

/** Stand-ins by specifier. `hw` is the test's Hardware, handed over by a global. */
const STAND_INS: Readonly<Record<string, string>> = {
  time: `export default { get ticks() { return hw.ticks }, set(seconds) { hw.seconds = seconds } };`,
  timer: `export default {
    set: (callback, delay) => setTimeout(callback, Math.max(0, delay | 0)),
    repeat: (callback, interval) => setInterval(callback, interval),
    clear: (id) => clearTimeout(id),
  };`,
  net: `export default {
    get: () => hw.dnsServers,
    resolve: (host, callback) => queueMicrotask(() => callback(host, hw.hosts.get(host))),
  };`,
  file: `export class File {
    static exists(path) { return hw.files.has(path); }
    constructor(path, write) {
      if (!write || path.startsWith("/forbidden")) throw new Error("file not found");
      if (!hw.files.has(path)) hw.files.set(path, new Uint8Array(0));
      this.path = path;
      this.position = 0;
    }
    get length() { return hw.files.get(this.path).length; }
    read(type, count) {
      if (type !== ArrayBuffer) throw new TypeError("type");
      return hw.files.get(this.path).slice(this.position, this.position + count).buffer;
    }
    write(buffer) {
      if (!(buffer instanceof ArrayBuffer)) throw new TypeError("no ArrayBuffer instance");
      const grown = new Uint8Array(Math.max(this.length, this.position + buffer.byteLength));
      grown.set(hw.files.get(this.path));
      grown.set(new Uint8Array(buffer), this.position);
      hw.files.set(this.path, grown);
    }
  }`,
  modules: `export default { importNow: (name) => { hw.imports.push(name); return name; } };`,
  resetReason: `export default () => ({ reason: hw.resetReason, string: "" });`,
  "mc/config": `export default new Proxy({}, {
    get: (_, key) => { hw.configReads.push(key); return hw.config[key]; },
    ownKeys: () => Reflect.ownKeys(hw.config),
    getOwnPropertyDescriptor: (_, key) => Reflect.getOwnPropertyDescriptor(hw.config, key),
  });`,
  "embedded:io/analog": `export default class Analog {
    constructor({ pin }) { hw.analogPins.push(pin); }
    get resolution() { return 12; }
    read() { return hw.analog; }
    close() { hw.analogPins.pop(); }
  }`,
  "embedded:io/digital": `export default class Digital {}`,
  "embedded:io/smbus": `export default class SMBus {}`,
  "embedded:io/socket/tcp": `export default hw.TCP ?? class TCP {
    constructor(options) { this.record = { options, isClosed: false }; hw.tcpSockets.push(this.record); }
    close() { this.record.isClosed = true; }
  }`,
  "embedded:io/socket/udp": `export default class UDP {
    constructor(options) { this.options = options; hw.udpSockets.push({ onReadable: (n) => options.onReadable.call(this, n) }); }
    write() { hw.udpWrite(); }
    close() {}
  }`,
  "embedded:io/serial": `export default class Serial {
    constructor({ port, baud }) { if (hw.takenUARTs.has(port)) throw new RangeError("port in use"); hw.openedUARTs.push({ port, baud }); }
  }`,
  "embedded:network/interface/wifi": `export default class WiFi { constructor() { hw.radios++; } close() {} }`,
  "embedded:network/dns/resolver/udp": `export default class Resolver {
    constructor({ servers }) { this.record = { servers, isClosed: false }; hw.resolvers.push(this.record); }
    resolve(question) { this.record.question = question; }
    close() { this.record.isClosed = true; }
  }`,
  "embedded:storage/flash": `export default { open({ path }) { hw.partitions.push(path); return {}; } };`,
  "embedded:storage/key-value": `export default { open({ path }) { hw.namespaces.push(path); return {}; } };`,
};

/** Answers imports of the SDK's modules. What is bundled with it needs `hw`, `trace`, `System` and `native` in its scope. */
export const standIns: Plugin = {
  name: "sdk",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(embedded:|mc\/|file$|modules$|net$|resetReason$|time$|timer$)/ }, ({ path }) => ({
      path,
      namespace: "sdk",
    }));
    onLoad({ filter: /.*/, namespace: "sdk" }, ({ path }) => ({ contents: STAND_INS[path] ?? "" }));
  },
};

const bundles = new Map<string, Promise<string>>();

/** The exports of `entry` (from the top of the repository), created again on `hardware`. */
export async function load<Exports>(entry: string, hardware: Hardware): Promise<Exports> {
  const bundle = bundles.get(entry) ?? bundled(entry);
  bundles.set(entry, bundle);
  const run = new Function("hw", "trace", "System", "native", `${await bundle}; return exported;`);
  const restart = (): void => {
    hardware.restarts++;
  };
  return run(
    hardware,
    (line: string) => hardware.traced.push(line),
    { restart },
    (name: string) => hardware.native[name],
  );
}

async function bundled(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../../${entry}`, import.meta.url))],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "exported",
    target: "node20",
    plugins: [standIns],
  });
  return outputFiles[0].text;
}

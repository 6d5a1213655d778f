/*
 * Where a sleeper's network was at the report before: the access point's channel and the broker's address. A report goes by them, and
 * saves the question for the broker's name, and the chip a scan of channels. Each is tried once: what a start has not proven anew is
 * forgotten, so that a router or a broker that has moved costs one try, and not one a report.
 * Not remembered, because the SDK's class does not take it (8.2.3, modules/io/wifi/esp32/wifi-esp32.c): the access point's BSSID, which
 * `connect` (line 404) does not ask for; and the device's own address, which `configure` (line 478) takes with mask and gateway only,
 * which no class shows. `connect` takes the channel (line 431) beside WIFI_ALL_CHANNEL_SCAN (line 411): where the scan begins.
 */
import { textHash } from "../../common/text-hash.js";
import type { Port, ResolveOptions, Resolver, ResolverConstructor } from "../../mqtt/wire/io.js";
import type { Settings } from "../../settings/settings.js";

/** What is kept over a sleep; 0: nothing. */
export interface KnownNetwork {
  networkKey: number;
  brokerAddress: number;
  wifiChannel: number;
}

/** What `connect` of the SDK takes. */
const MAX_CHANNEL = 13;

/** What a start knows of its network, and what it has proven. */
export class NetworkMemory {
  /** The broker's name, as set. */
  readonly host: string;
  private readonly key: number;
  /** To be tried; 0: no more. */
  private address = 0;
  /** Tried in this attempt. */
  private answer = 0;
  private provenAddress = 0;
  private provenChannel = 0;
  /** Where the access point was; 0: not known. */
  readonly channel: number = 0;

  /** `past`: of the sleep before. It means nothing if network or broker are others by now. */
  constructor(settings: Settings, past: Readonly<KnownNetwork> | undefined) {
    this.host = settings.get("mqtt.host");
    this.key = textHash(`${settings.get("wifi.ssid")}\n${this.host}`);
    if (past === undefined || past.networkKey !== this.key) return;
    this.address = past.brokerAddress;
    this.channel = past.wifiChannel;
  }

  /** The broker's address as it was; undefined: it is to be asked for. Once. */
  takeAddress(): string | undefined {
    const address = this.address;
    this.address = 0;
    this.answer = address;
    return address === 0 ? undefined : textOf(address);
  }

  /** The resolver's answer for the broker's name. */
  resolved(address: string): void {
    this.answer = numberOf(address);
  }

  /** The broker was where it was looked for. */
  connected(): void {
    this.provenAddress = this.answer;
  }

  /** The connection, or the attempt, has failed: its name is resolved anew. */
  failed(): void {
    this.provenAddress = 0;
  }

  /** The link came up. */
  linkUp(channel = 0): void {
    this.provenChannel = channel >= 1 && channel <= MAX_CHANNEL ? channel : 0;
  }

  /** What the next start may go by. */
  keep(record: KnownNetwork): void {
    record.networkKey = this.key;
    record.brokerAddress = this.provenAddress;
    record.wifiChannel = this.provenChannel;
  }
}

/** What a resolver that remembers is made from. */
export interface KnownNamesPort extends Port<ResolverConstructor> {
  readonly memory: NetworkMemory;
  readonly dns: Port<ResolverConstructor>;
}

/** The board's resolver, which is not asked where the broker's address is known. One question at a time. */
export class KnownNames implements Resolver {
  private readonly port: KnownNamesPort;
  private resolver: Resolver | undefined;

  /** `port`: a KnownNamesPort. */
  constructor(port: Readonly<Record<string, unknown>>) {
    this.port = port as unknown as KnownNamesPort;
  }

  resolve(question: ResolveOptions): void {
    const { memory, dns } = this.port;
    const { host, onResolved, onError } = question;
    const isBroker = host === memory.host; // it may have sent us to another
    const known = isBroker ? memory.takeAddress() : undefined;
    if (known !== undefined) {
      onResolved(host, known);
      return;
    }
    this.resolver = new dns.io(dns);
    this.resolver.resolve({
      host,
      onResolved: (name, address) => {
        if (isBroker) memory.resolved(address);
        onResolved(name, address);
      },
      onError,
    });
  }

  close(): void {
    this.resolver?.close?.();
    this.resolver = undefined;
  }
}

const DOTTED = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** 0: not IPv4. */
function numberOf(address: string): number {
  const parts = DOTTED.exec(address);
  if (parts === null) return 0;
  let number = 0;
  for (let n = 1; n <= 4; n++) number = (number << 8) | (Number(parts[n]) & 0xff);
  return number;
}

function textOf(address: number): string {
  return `${address >>> 24}.${(address >> 16) & 0xff}.${(address >> 8) & 0xff}.${address & 0xff}`;
}

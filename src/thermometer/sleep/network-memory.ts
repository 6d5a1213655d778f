/*
 * A sleeper's network at its last report: the access point's channel and the broker's address. With them, a report needs no DNS
 * lookup, and the chip no scan of all channels. Each is tried once. What a start has not confirmed is forgotten, so that a
 * moved router or broker costs at most one failed attempt, not one in each report.
 * Two things are not remembered, because the SDK's class cannot use them (8.2.3, modules/io/wifi/esp32/wifi-esp32.c). `connect`
 * (line 404) has no option for the access point's BSSID. `configure` (line 478) needs mask and gateway for the device's own
 * address, and no class supplies these. `connect` uses the channel (line 431) with WIFI_ALL_CHANNEL_SCAN (line 411): the scan
 * begins there.
 */
import { textHash } from "../../common/text-hash.js";
import type { Port, ResolveOptions, Resolver, ResolverConstructor } from "../../mqtt/wire/io.js";
import type { Settings } from "../../settings/settings.js";

/** What is kept over a sleep; 0: not known. */
export interface KnownNetwork {
  networkKey: number;
  brokerAddress: number;
  wifiChannel: number;
}

/** The highest channel that the SDK's `connect` accepts. */
const MAX_CHANNEL = 13;

/** What a start knows about its network, and what it has confirmed. */
export class NetworkMemory {
  /** The broker's host name from the settings. */
  readonly host: string;
  /** A hash of network and broker, from the settings. */
  readonly key: number;
  /** The broker's address that is still to be tried; 0: none. */
  private address = 0;
  /** The address tried in this attempt; 0: none. */
  private answer = 0;
  private provenAddress = 0;
  private provenChannel = 0;
  /** The access point's channel at the last report; 0: not known. */
  readonly channel: number = 0;

  /** `past`: from before the sleep. Ignored if network or broker have changed since. */
  constructor(settings: Settings, past: Readonly<KnownNetwork> | undefined) {
    this.host = settings.get("mqtt.host");
    this.key = textHash(`${settings.get("wifi.ssid")}\n${this.host}`) ^ (settings.get("mqtt.port") << 8);
    if (past === undefined || past.networkKey !== this.key) return;
    this.address = past.brokerAddress;
    this.channel = past.wifiChannel;
  }

  /** The broker's last address, once; undefined: it has to be looked up. */
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

  /** The broker was found at that address. */
  connected(): void {
    this.provenAddress = this.answer;
  }

  /** The connection, or the attempt, has failed: the name will be looked up again. */
  failed(): void {
    this.provenAddress = 0;
  }

  /** The link came up. */
  linkUp(channel = 0): void {
    this.provenChannel = channel >= 1 && channel <= MAX_CHANNEL ? channel : 0;
  }

  /** Stores what the next start may use. */
  keep(record: KnownNetwork): void {
    record.networkKey = this.key;
    record.brokerAddress = this.provenAddress;
    record.wifiChannel = this.provenChannel;
  }
}

/** The options of a resolver that remembers. */
export interface KnownNamesPort extends Port<ResolverConstructor> {
  readonly memory: NetworkMemory;
  readonly dns: Port<ResolverConstructor>;
}

/** The board's resolver, which is not used if the broker's address is known. One question at a time. */
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
    const isBroker = host === memory.host; // otherwise it is a server to which the broker has redirected us
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

/** An IPv4 address as a number; 0: it is none. */
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

/*
 * Survey: the result of one scan, one entry per name, strongest first, at most MAX_NETWORKS. A house may have several access
 * points, each on several channels: the strongest one represents the name. No I/O and no timer. Names come from strangers'
 * networks, so those with control characters are left out.
 */
import type { ScanResult } from "./io.js";

/** Networks kept. In a block of flats there are more, but weak ones are of no use. */
export const MAX_NETWORKS = 20;

/** A network found by a scan. */
export interface Network {
  readonly ssid: string;
  /** dBm. */
  readonly rssi: number;
  readonly channel: number;
  /** Needs a password. */
  readonly secured: boolean;
}

/** The result of one scan. */
export class Survey {
  private readonly found: Network[] = [];
  private readonly sought: string;
  private _heard = false;

  /** `sought`: the name for which `heard` is set when it is found, even if it is too weak to be kept. */
  constructor(sought: string) {
    this.sought = sought;
  }

  get heard(): boolean {
    return this._heard;
  }

  /** Strongest first. The survey's own array: read it, do not keep it. */
  get networks(): readonly Network[] {
    return this.found;
  }

  /** Adds one result. Hidden networks have no name and are left out. */
  add(result: ScanResult): void {
    const ssid = result.SSID;
    if (ssid === this.sought) this._heard = true;
    if (!ssid || hasControls(ssid)) return;
    const found = this.found;
    const known = found.findIndex((network) => network.ssid === ssid);
    if (known >= 0) {
      if (found[known].rssi >= result.RSSI) return;
      found.splice(known, 1);
    }
    let at = found.length;
    while (at > 0 && found[at - 1].rssi < result.RSSI) at--;
    if (at === MAX_NETWORKS) return;
    if (found.length === MAX_NETWORKS) found.pop();
    found.splice(at, 0, { ssid, rssi: result.RSSI, channel: result.channel, secured: result.security !== "none" });
  }
}

/** C0, DEL and C1: characters that control a terminal. Such a name cannot be typed at the prompt anyway. */
function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
}

/*
 * The part of the wake record that only the whole thermometer reads, with a checksum of its own: the state of the outbox, what
 * the broker retains, and the network. If it is damaged, the outbox is mounted, everything is published again, and the network
 * is searched.
 *
 *   80       bytes of the outbox's state
 *   81-113   the outbox's state
 *   114      what the broker retains about the device: a hash, and in 115 the channels, a bit each; 0: not certain
 *   116      network and broker of the next two: a hash
 *   117      the broker's IPv4 address; 0: its name has to be resolved
 *   118      the access point's channel; 0: all have to be scanned
 *   119      how many reports have waited for the time
 */
import { checkOf, requireFit } from "./record-check.js";

/** Length of the wake record, in bytes. */
export const RECORD_BYTES = 480;
const WORDS = RECORD_BYTES >> 2;
const CHECK_OF_WHOLE = 3;
/** Where this part begins. */
export const WHOLE = 80;
const STATE = WHOLE + 1;
const MAX_OUTBOX_BYTES = 132;
const ANNOUNCED = 114;
const NETWORK = 116;
const CLOCK_WAITS = 119;

/** The whole thermometer's part of the wake record. */
export class WholePart {
  /** The bytes in RTC memory. */
  readonly bytes: Uint8Array;
  protected readonly words: Int32Array;
  /** Whether this part is intact; undefined until it is first used. */
  private whole: boolean | undefined;

  constructor() {
    const words = new Int32Array(WORDS);
    this.words = words;
    this.bytes = new Uint8Array(words.buffer);
  }

  /** A view; empty: there is none, or it is damaged. */
  get outboxState(): Uint8Array {
    return this.bytes.subarray(STATE << 2, (STATE << 2) + this.word(WHOLE));
  }

  /** @throws RangeError if it does not fit */
  set outboxState(state: Uint8Array) {
    requireFit("outbox state", state, MAX_OUTBOX_BYTES);
    this.words[WHOLE] = state.length;
    this.bytes.set(state, STATE << 2);
  }

  /** Hash of what the broker retains about the device; 0: read it from flash. */
  get announced(): number {
    return this.word(ANNOUNCED);
  }

  set announced(value: number) {
    this.words[ANNOUNCED] = value;
  }

  /** The channels in that, one bit each. */
  get announcedChannels(): number {
    return this.word(ANNOUNCED + 1);
  }

  set announcedChannels(value: number) {
    this.words[ANNOUNCED + 1] = value;
  }

  /** Hash of the network and broker of the following values; 0: none. */
  get networkKey(): number {
    return this.word(NETWORK);
  }

  set networkKey(value: number) {
    this.words[NETWORK] = value;
  }

  /** The broker's IPv4 address, the first byte highest; 0: not known. */
  get brokerAddress(): number {
    return this.word(NETWORK + 1);
  }

  set brokerAddress(value: number) {
    this.words[NETWORK + 1] = value;
  }

  /** The access point's channel, 1 to 13; 0: not known. */
  get wifiChannel(): number {
    return this.word(NETWORK + 2);
  }

  set wifiChannel(value: number) {
    this.words[NETWORK + 2] = value;
  }

  /** Reports of this boot that have waited for the time, instead of sending readings without one. */
  get clockWaits(): number {
    return this.word(CLOCK_WAITS);
  }

  set clockWaits(value: number) {
    this.words[CLOCK_WAITS] = value;
  }

  protected sealWhole(): void {
    this.words[CHECK_OF_WHOLE] = checkOf(this.words, WHOLE, WORDS);
    this.whole = undefined;
  }

  /** The bytes have changed. */
  protected forgetWhole(): void {
    this.whole = undefined;
  }

  /** 0 if the part is damaged. */
  private word(at: number): number {
    this.whole ??= this.words[CHECK_OF_WHOLE] === checkOf(this.words, WHOLE, WORDS);
    return this.whole ? this.words[at] : 0;
  }
}

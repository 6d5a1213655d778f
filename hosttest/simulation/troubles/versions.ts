/*
 * The versions of MQTT in a run, and the faults that follow from them: brokers that are replaced by newer and older
 * ones, settings that change, limits, refusals by reason code. Drawn from a separate generator, so that the rest of a run stays the
 * same.
 */
import { ORDINARY, type Terms } from "../broker/terms.js";
import type { Random } from "../random.js";

export type VersionSetting = "auto" | "5" | "3.1.1";

export type VersionTrouble =
  /** The broker is replaced by another one that knows the same sessions. */
  | { readonly kind: "brokerReplaced"; readonly terms: Terms; readonly forMs: number }
  | { readonly kind: "newVersion"; readonly device: number; readonly version: VersionSetting }
  /** Messages are temporarily refused, with this probability. */
  | { readonly kind: "brokerFull"; readonly probability: number; readonly forMs: number }
  /** The topics of one room are not allowed. */
  | { readonly kind: "brokerForbids"; readonly room: string; readonly forMs: number }
  /** Payloads are permanently refused, with this probability. */
  | { readonly kind: "brokerPicky"; readonly probability: number; readonly forMs: number };

const VERSIONS = 0x5_0311;
/** A limit of unreleased messages below this is one that a client of 3.1.1 exceeds, because it cannot know it. */
const MIN_UNSAID = 10;

/** The choices for one run. */
export class Versions {
  readonly #random: Random;
  /** Broker and devices change their versions. */
  readonly #isMixed: boolean;
  /** At least one end uses 3.1.1 at some time. */
  readonly #isOld: boolean;
  /** The broker at the start. */
  readonly terms: Terms;
  /** Some broker of this run supports at most QoS 1. */
  readonly mayLower: boolean;

  constructor(random: (salt: number) => Random) {
    this.#random = random(VERSIONS);
    const kind = this.#random.pick(["new", "new", "old", "mixed", "mixed"] as const);
    this.#isMixed = kind === "mixed";
    this.#isOld = kind !== "new";
    // A 3.1.1 broker that closes at each message of QoS 2 gives no reason: all readings wait then, correctly.
    this.mayLower = this.#random.chance(0.4) && !this.#isOld;
    this.terms = kind === "old" ? this.#drawOld() : this.#drawTerms();
  }

  /** Of a device. */
  drawSetting(): VersionSetting {
    const choices: readonly VersionSetting[] = this.#isOld ? ["auto", "auto", "3.1.1"] : ["auto", "auto", "5"];
    return this.#random.pick(choices);
  }

  drawTrouble(own: Random, devices: number, rooms: readonly string[], forMs: number): VersionTrouble {
    switch (own.whole(0, this.#isMixed ? 6 : 3)) {
      case 0:
      case 1:
        return { kind: "brokerFull", probability: own.unit(), forMs };
      case 2:
        return { kind: "brokerForbids", room: own.pick(rooms), forMs };
      case 3:
        return { kind: "brokerPicky", probability: own.unit() * 0.1, forMs };
      case 4:
        return { kind: "newVersion", device: own.whole(0, devices - 1), version: this.drawSetting() };
      default:
        return { kind: "brokerReplaced", terms: this.#drawTerms(), forMs };
    }
  }

  #drawTerms(): Terms {
    return this.#isMixed && this.#random.chance(0.5) ? this.#drawOld() : this.#drawNew();
  }

  /** It speaks 3.1.1, and answers 5 in one way or another. */
  #drawOld(): Terms {
    return { ...ORDINARY, five: this.#random.pick(["0x84", "code 1", "closes", "silent"] as const) };
  }

  /** It speaks both. */
  #drawNew(): Terms {
    const random = this.#random;
    const isQoSSaid = random.chance(0.8);
    const codes = (): Pick<Terms, "success" | "unknownId" | "repeated"> => {
      const success = random.pick([0, 0x10] as const);
      const unknownId = random.pick([0, 0x92] as const);
      return { success, unknownId, repeated: success && unknownId ? 0x91 : 0 }; // EMQX has all three
    };
    return {
      five: "spoken",
      receiveMaximum: Math.max(random.pick([1, 4, 10, 20, 20, 65_535]), this.#isOld ? MIN_UNSAID : 1),
      maximumQoS: this.mayLower && random.chance(0.7) ? 1 : 2,
      isQoSSaid,
      retainAvailable: random.chance(0.85),
      maximumPacketBytes: random.pick([undefined, 2_000_000, 1000, 256]),
      aliasMaximum: random.pick([0, 1, 5, 10, 65_535]),
      keepAliveS: random.pick([undefined, undefined, 10, 45, 65_535]),
      maxExpiryS: random.pick([300, 3600, 86_400, Number.POSITIVE_INFINITY]),
      forgetsClean: random.chance(0.5),
      ...codes(),
      isWordy: random.chance(0.3),
      saysWhy: random.chance(0.7) || !isQoSSaid, // a broker that states neither gives no reason
    };
  }
}

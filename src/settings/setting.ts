/*
 * What a row of the schema is. Types only.
 */
import type { PEMKind } from "../tls/pem.js";

/** What texts a setting takes. `expects` reads on after the word "expected". */
export type SettingType =
  | {
      readonly kind: "text";
      /** UTF-8 bytes at most. */
      readonly maxBytes: number;
      readonly expects: string;
      accepts(text: string): boolean;
      /** Puts right what has one right form; before `accepts`. Mended twice is mended once. */
      mend?(text: string): string;
      /** What is wrong with a text that is not taken, where there is more to say than what is expected. */
      flaw?(text: string): string | undefined;
      /**
       * PEM of this kind, pasted in several lines: the text refers to what is kept of it (long-values.ts). Typed, only the empty one is
       * taken.
       */
      readonly pasted?: PEMKind;
      /** Offered by completion; others are taken, too. */
      readonly examples?: readonly string[];
    }
  | {
      readonly kind: "number";
      readonly unit: string;
      readonly min: number;
      readonly max: number;
      /** Digits allowed after the decimal point. */
      readonly decimals: number;
    }
  | { readonly kind: "choice"; readonly values: readonly (string | number)[] }
  | { readonly kind: "switch" };

/** One row of the table. */
export interface SettingRow<K extends string, V> {
  readonly key: K;
  readonly type: SettingType;
  readonly default: V;
  readonly help: string;
  /** In force at once when saved, or at the next boot. */
  readonly inForce: "saved" | "rebooted";
  /** Never shown, logged or kept in a history. */
  readonly secret?: true;
  /** `setup` asks for it. */
  readonly asked?: true;
}

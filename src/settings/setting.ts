/* A row of the schema, as types. */
import type { PEMKind } from "../tls/pem.js";

/** The texts that a setting accepts. `expects` continues after the word "expected". */
export type SettingType =
  | {
      readonly kind: "text";
      /** UTF-8 bytes at most. */
      readonly maxBytes: number;
      readonly expects: string;
      accepts(text: string): boolean;
      /** Normalizes a text, before `accepts`. Idempotent. */
      normalize?(text: string): string;
      /** The fault of a refused text, if there is more to say than `expects`. */
      flaw?(text: string): string | undefined;
      /**
       * Pasted in several lines, as PEM of this kind: the text is a reference (long-values.ts). If typed, only an empty text is
       * accepted.
       */
      readonly pasted?: PEMKind;
      /** Suggested by completion; other texts are accepted, too. */
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
  /** In force at once when saved, or after the next boot. */
  readonly inForce: "saved" | "rebooted";
  /** Never shown, logged or kept in a history. */
  readonly secret?: true;
  /** `setup` asks for it. */
  readonly asked?: true;
}

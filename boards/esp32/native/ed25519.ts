/** 1: `signature` is that of `message`, of at most 47 bytes, by the private key that belongs to `key`. ed25519.c. */
export const isSigned = native("xs_is_signed") as (
  message: Uint8Array,
  signature: Uint8Array,
  key: Uint8Array,
) => 0 | 1;

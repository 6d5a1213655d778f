/** 1: `signature` is that of `message`, of 47 bytes or less, by the private key of `key`. ed25519.c. */
export const isSigned = native("xs_is_signed") as (
  message: Uint8Array,
  signature: Uint8Array,
  key: Uint8Array,
) => 0 | 1;

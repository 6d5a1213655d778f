/** 1: `signature` is that of `message` by the private key of `key`; 0: it is not, or `message` is longer than 47 bytes. ed25519.c. */
export const isSigned = native("xs_is_signed") as (
  message: Uint8Array,
  signature: Uint8Array,
  key: Uint8Array,
) => 0 | 1;

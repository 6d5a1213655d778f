/* library.c: whether the simulator was built with mbedTLS. */

export const hasTLS = native("xs_has_tls") as () => boolean;

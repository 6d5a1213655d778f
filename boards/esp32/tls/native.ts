/* native.c: the TLS engine, mbedTLS below it (engine.h). Undefined where it is not compiled in. */
import type { TLSEngine } from "../../../src/tls/engine.js";

export const tlsEngine: TLSEngine = Object.freeze({
  open: native("xs_tls_open"),
  free: native("xs_tls_free"),
  feed: native("xs_tls_feed"),
  feedEnd: native("xs_tls_feed_end"),
  take: native("xs_tls_take"),
  state: native("xs_tls_state"),
  readable: native("xs_tls_readable"),
  writable: native("xs_tls_writable"),
  overhead: native("xs_tls_overhead"),
  read: native("xs_tls_read"),
  write: native("xs_tls_write"),
  close: native("xs_tls_close"),
  session: native("xs_tls_session"),
  text: native("xs_tls_text"),
  ends: native("xs_tls_ends"),
  isResumed: native("xs_tls_is_resumed"),
  refusal: native("xs_tls_refusal"),
});

/*
 * One TLS connection of a client, by mbedTLS, that never touches a socket: the owner passes ciphertext in and out through memory.
 * It has no buffers for ciphertext besides mbedTLS's two record buffers. For mbedTLS 2.28 (Debian) to 4 (ESP-IDF 6).
 * Not reentrant; one machine owns it.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Why a connection was refused: the kinds of src/tls/io.ts, in the same order. */
typedef enum {
	TLS_UNKNOWN_CA, TLS_WRONG_NAME, TLS_EXPIRED, TLS_NOT_YET_VALID, TLS_WRONG_USAGE, TLS_NO_CA, TLS_WRONG_KEY, TLS_WEAK, TLS_NO_COMMON,
	TLS_NO_TLS, TLS_CLIENT, TLS_CLOSED, TLS_BROKEN, TLS_UNUSABLE, TLS_TOO_LARGE, TLS_NO_MEMORY
} TLSRefusal;

/* The state of the connection. */
typedef enum {
	TLS_WAITS,   /* handshake: waits for ciphertext, or until the owner has taken what is to be sent */
	TLS_WORKS,   /* handshake: can continue at once; the owner may do something else first */
	TLS_OPEN,    /* the server is verified: data goes both ways */
	TLS_ENDED,   /* closed: by us, by the server's close_notify, or because the connection ended */
	TLS_REFUSED  /* see `tlsRefusal`; an alert may wait to be sent */
} TLSState;

typedef struct {
	const uint8_t *bytes;
	size_t length; /* 0: there is none */
} TLSBytes;

/* All of it is copied. */
typedef struct {
	TLSBytes ca, certificate, key; /* DER; certificates one behind the other */
	const char *name;              /* that the certificate must have */
	const uint8_t *pin;            /* SHA-256 of the public key; NULL: any. Without `ca` it alone decides */
	TLSBytes session;              /* from `tlsSession`; ignored if it does not fit the rest of the demand */
} TLSDemand;

typedef struct TLSEngine TLSEngine;

/* Security of an established connection. Texts belong to the engine; `name` and detail contain text from outside. */
typedef struct {
	const char *version, *cipher;
	const char *name;   /* in the server's certificate; "" where a resumed session does not show it */
	double endsMs;      /* the certificate's end, milliseconds since 1970; 0: not known */
	int isResumed;
} TLSFacts;

/* NULL if there is no memory; else an engine, which may have refused already. */
extern TLSEngine *tlsOpen(const TLSDemand *demand);
extern void tlsFree(TLSEngine *engine);

/*
 * One step with this ciphertext: a handshake message, or a record of data. Returns how much was consumed: none while there are bytes
 * to be read or to be sent. A step of the handshake may need no ciphertext at all.
 */
extern size_t tlsFeed(TLSEngine *engine, const uint8_t *bytes, size_t length);
/* No ciphertext will follow. */
extern void tlsFeedEnd(TLSEngine *engine);
/* Ciphertext to be sent; returns how much was copied. */
extern size_t tlsTake(TLSEngine *engine, uint8_t *bytes, size_t length);
extern TLSState tlsState(const TLSEngine *engine);

/* Bytes of data that can be read now. */
extern size_t tlsReadable(TLSEngine *engine);
/* Bytes of data that one write accepts: 0 before TLS_OPEN and while ciphertext waits to be sent. */
extern size_t tlsWritable(TLSEngine *engine);
/* Bytes that encryption adds to a record at most. */
extern size_t tlsOverhead(TLSEngine *engine);
/* Both return 0 if not all `length` bytes can be read, or written. */
extern int tlsRead(TLSEngine *engine, uint8_t *bytes, size_t length);
extern int tlsWrite(TLSEngine *engine, const uint8_t *bytes, size_t length);
/* Ends the connection. If it is open, close_notify then waits to be sent. */
extern void tlsClose(TLSEngine *engine);

/*
 * Data with which the session can be resumed. Each session is given once: returns 0 if there is no new one, or if it is longer than `length`.
 * It is secret: who has it can resume the session and, in TLS 1.2, decrypt a recorded one.
 */
extern size_t tlsSession(TLSEngine *engine, uint8_t *bytes, size_t length);
extern void tlsFacts(TLSEngine *engine, TLSFacts *facts);

extern TLSRefusal tlsRefusal(const TLSEngine *engine);
/* Details of the refusal: names, dates, or mbedTLS's error in hexadecimal. */
extern const char *tlsDetail(const TLSEngine *engine);
/* mbedTLS's error, for diagnosis. */
extern int tlsError(const TLSEngine *engine);

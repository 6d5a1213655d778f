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
	TLS_WAITS,   /* handshake: for ciphertext, or for what is to go out to be taken */
	TLS_WORKS,   /* handshake: it has more to do at once; the owner may do something else first */
	TLS_OPEN,    /* the server is the right one: data goes both ways */
	TLS_ENDED,   /* the server has said goodbye, or the connection is at its end */
	TLS_REFUSED  /* see `tlsRefusal`; what waits to go out is an alert */
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
	TLSBytes session;              /* of `tlsSession`; one that does not fit the rest of the demand is passed over */
} TLSDemand;

typedef struct TLSEngine TLSEngine;

/* Security of an established connection. Texts belong to the engine; `name` and detail contain text from outside. */
typedef struct {
	const char *version, *cipher;
	const char *name;   /* in the server's certificate; "" where a resumed session does not show it */
	double endsMs;      /* its end, since 1970; 0: not known */
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
/* Bytes of data that one write accepts: 0 before TLS_OPEN and while ciphertext waits to be sent. And the maximum that encryption adds. */
extern size_t tlsWritable(TLSEngine *engine);
extern size_t tlsOverhead(TLSEngine *engine);
/* Both return 0 if not all of it can be read, or written. */
extern int tlsRead(TLSEngine *engine, uint8_t *bytes, size_t length);
extern int tlsWrite(TLSEngine *engine, const uint8_t *bytes, size_t length);
/* close_notify waits to be sent. */
extern void tlsClose(TLSEngine *engine);

/*
 * Data for resuming the session, once for each session: 0 if there is no new one, or it is longer than `length`. It is secret: anyone who has
 * it can take over the session, and can read it if the cipher gives no forward secrecy for resumed ones (TLS 1.2).
 */
extern size_t tlsSession(TLSEngine *engine, uint8_t *bytes, size_t length);
extern void tlsFacts(TLSEngine *engine, TLSFacts *facts);

extern TLSRefusal tlsRefusal(const TLSEngine *engine);
/* Details of the refusal: names, dates, or mbedTLS's error in hexadecimal. */
extern const char *tlsDetail(const TLSEngine *engine);
/* mbedTLS's error, for diagnosis. */
extern int tlsError(const TLSEngine *engine);

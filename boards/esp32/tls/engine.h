/*
 * One TLS connection of a client, by mbedTLS, that never touches a socket: ciphertext goes in and out by memory, and the owner
 * moves it. Of mbedTLS 2.28 (Debian) and 3 (ESP-IDF). Not reentrant; one machine owns it.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Why a connection was refused: the kinds of src/tls/io.ts, in its order. */
typedef enum {
	TLS_UNKNOWN_CA, TLS_WRONG_NAME, TLS_EXPIRED, TLS_NOT_YET_VALID, TLS_WRONG_USAGE, TLS_NO_CA, TLS_WRONG_KEY, TLS_WEAK, TLS_NO_COMMON,
	TLS_NO_TLS, TLS_CLIENT, TLS_CLOSED, TLS_BROKEN, TLS_UNUSABLE
} TLSRefusal;

/* What a step came to. */
typedef enum {
	TLS_WAITS,   /* for more ciphertext, or for what is to go out to be taken */
	TLS_DONE,    /* the handshake is over, the server is the right one */
	TLS_DATA,    /* data can be read */
	TLS_ENDED,   /* the server has said goodbye, or the connection is at its end */
	TLS_REFUSED  /* see `tlsRefusal`; what waits to go out is an alert */
} TLSStep;

typedef struct {
	const uint8_t *bytes;
	size_t length; /* 0: there is none */
} TLSBytes;

/* All of it is copied. */
typedef struct {
	TLSBytes ca, certificate, key; /* DER; certificates one behind the other */
	const char *name;              /* that the certificate must have */
	const uint8_t *pin;            /* SHA-256 of the public key; NULL: any. Without `ca` it alone decides */
} TLSDemand;

typedef struct TLSEngine TLSEngine;

/* NULL if there is no memory; else an engine, which may be one that has refused already: TLS_UNUSABLE. */
extern TLSEngine *tlsOpen(const TLSDemand *demand);
extern void tlsFree(TLSEngine *engine);

/* Takes as much of the ciphertext as there is free space for; returns how much. */
extern size_t tlsFeed(TLSEngine *engine, const uint8_t *bytes, size_t length);
/* No ciphertext will follow. */
extern void tlsFeedEnd(TLSEngine *engine);
/* Ciphertext to be sent; returns how much was copied. */
extern size_t tlsTake(TLSEngine *engine, uint8_t *bytes, size_t length);
extern TLSStep tlsStep(TLSEngine *engine);

/* Bytes of data that can be read, and written, now. */
extern size_t tlsReadable(TLSEngine *engine);
extern size_t tlsWritable(TLSEngine *engine);
/* Both return 0 if not all of it can be read, or written; before TLS_DONE nothing can. */
extern int tlsRead(TLSEngine *engine, uint8_t *bytes, size_t length);
extern int tlsWrite(TLSEngine *engine, const uint8_t *bytes, size_t length);
/* close_notify waits to go out. */
extern void tlsClose(TLSEngine *engine);

extern TLSRefusal tlsRefusal(const TLSEngine *engine);
/* mbedTLS's error, for those who look closer. */
extern int tlsError(const TLSEngine *engine);
extern const char *tlsVersion(const TLSEngine *engine);
extern const char *tlsCipher(const TLSEngine *engine);

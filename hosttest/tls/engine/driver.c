/*
 * Drives the TLS engine against a server on this computer, as the firmware's class does on a device: by reads and writes of
 * arbitrary lengths. Prints the result.
 *
 *   driver PORT NAME CA|- PIN|- CERTIFICATE|- KEY|- SEED BYTES      files in DER, the pin in hexadecimal
 *
 * BYTES: number of bytes that are sent and must come back. 0: a text is sent, and the connection is closed; in TLS 1.3 only after
 * the server has answered, because before that it is not known whether it accepts the client.
 */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine.h"

#define NOT_MQTT "MQTT secret reading"

static unsigned gSeed;

#ifdef FAILING_CALLOC
/* The number of the allocation that fails, counted from 1; 0: none fails. */
static long gFailing, gAllocations;

extern void *__real_calloc(size_t count, size_t size);
extern void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return ++gAllocations == gFailing ? NULL : __real_calloc(count, size);
}
#endif

static size_t below(size_t limit)
{
	gSeed = gSeed * 1664525u + 1013904223u;
	return (size_t)(gSeed >> 8) % limit;
}

static TLSBytes fileOf(const char *path)
{
	static uint8_t bytes[3][8192];
	static int at;
	TLSBytes given = { bytes[at], 0 };
	FILE *file = strcmp(path, "-") == 0 ? NULL : fopen(path, "rb");

	if (file != NULL) {
		given.length = fread(bytes[at++], 1, sizeof(bytes[0]), file);
		fclose(file);
	}
	return given;
}

static const uint8_t *pinOf(const char *text)
{
	static uint8_t pin[32];

	if (strcmp(text, "-") == 0)
		return NULL;
	for (size_t i = 0; i < sizeof(pin); i++) {
		unsigned byte;
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			exit(2);
		pin[i] = (uint8_t)byte;
	}
	return pin;
}

static int connectTo(const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		exit(2);
	return fd;
}

static void sendAll(TLSEngine *engine, int fd)
{
	uint8_t piece[300];
	size_t length;

	while ((length = tlsTake(engine, piece, 1 + below(sizeof(piece)))) > 0) {
		for (size_t at = 0; at < length;) {
			ssize_t count = send(fd, piece + at, length - at, MSG_NOSIGNAL);
			if (count < 0)
				return;
			at += (size_t)count;
		}
	}
}

/* Passes ciphertext to the engine; waits for some if there is none. */
static void receive(TLSEngine *engine, int fd)
{
	static uint8_t piece[2000];
	static size_t from, to;

	if (from == to && tlsState(engine) != TLS_WORKS) {
		ssize_t count = recv(fd, piece, 1 + below(sizeof(piece)), 0);
		from = to = 0;
		if (count <= 0)
			tlsFeedEnd(engine);
		else
			to = (size_t)count;
	}
	from += tlsFeed(engine, piece + from, to == from ? 0 : 1 + below(to - from));
}

static uint8_t byteAt(size_t at)
{
	return (uint8_t)(at * 31 + (at >> 8));
}

/* Sends as much as fits; returns the number of bytes sent so far. */
static size_t sendSome(TLSEngine *engine, size_t sent, size_t bytes)
{
	uint8_t data[1500];
	size_t length = bytes - sent;
	size_t most = tlsWritable(engine) < sizeof(data) ? tlsWritable(engine) : sizeof(data);

	if (length > most)
		length = most;
	if (length == 0)
		return sent;
	length = 1 + below(length);
	for (size_t i = 0; i < length; i++)
		data[i] = byteAt(sent + i);
	if (tlsWrite(engine, data, tlsWritable(engine) + 1) || !tlsWrite(engine, data, length))
		exit(3);
	return sent + length;
}

static size_t readSome(TLSEngine *engine, size_t got)
{
	uint8_t data[700];
	size_t length = tlsReadable(engine) < sizeof(data) ? tlsReadable(engine) : sizeof(data);

	length = 1 + below(length);
	if (!tlsRead(engine, data, length))
		exit(4);
	for (size_t i = 0; i < length; i++) {
		if (data[i] != byteAt(got + i))
			exit(5);
	}
	return got + length;
}

int main(int count, char **words)
{
	TLSDemand demand;
	TLSEngine *engine;
	TLSFacts facts;
	size_t bytes, sent = 0, got = 0;
	int fd, isOpen = 0;

	if (count != 9)
		return 2;
	demand = (TLSDemand){
		.name = words[2], .ca = fileOf(words[3]), .pin = pinOf(words[4]), .certificate = fileOf(words[5]), .key = fileOf(words[6])
	};
	gSeed = (unsigned)atoi(words[7]);
#ifdef FAILING_CALLOC
	gFailing = atol(getenv("FAILING"));
#endif
	bytes = (size_t)atoi(words[8]);
	engine = tlsOpen(&demand);
	if (engine == NULL) {
		printf("refused %d\n", TLS_NO_MEMORY);
		return 0;
	}
	fd = connectTo(words[1]);
	if (tlsWrite(engine, (const uint8_t *)NOT_MQTT, 4) || tlsReadable(engine) || tlsWritable(engine))
		return 3;
	while (tlsState(engine) < TLS_ENDED && !(isOpen && bytes > 0 && got == bytes)) {
		if (tlsState(engine) == TLS_OPEN && !isOpen) {
			isOpen = 1;
			tlsFacts(engine, &facts);
			printf("open %s %s \"%s\"\n", facts.version, facts.cipher, facts.name);
			if (bytes == 0 && !tlsWrite(engine, (const uint8_t *)NOT_MQTT, strlen(NOT_MQTT)))
				return 3;
			if (bytes == 0 && strcmp(facts.version, "TLSv1.2") == 0)
				break;
		}
		if (tlsReadable(engine) > 0) {
			if (bytes == 0)
				break;
			got = readSome(engine, got);
			continue;
		}
		if (isOpen && bytes > 0)
			sent = sendSome(engine, sent, bytes);
		sendAll(engine, fd);
		receive(engine, fd);
	}
	if (tlsState(engine) == TLS_REFUSED)
		printf("refused %d %x %s\n", tlsRefusal(engine), -(unsigned)tlsError(engine), tlsDetail(engine));
	else if (got > 0)
		printf("echoed %zu\n", got);
	tlsClose(engine);
	sendAll(engine, fd);
	tlsFree(engine);
	close(fd);
#ifdef FAILING_CALLOC
	printf("allocations %ld\n", gAllocations);
#endif
	return 0;
}

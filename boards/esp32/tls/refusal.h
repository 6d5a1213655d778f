/* Why a connection was refused, by what mbedTLS reports of it. */
#pragma once
#include <stdint.h>

#include "engine.h"

/* Flags of mbedTLS's verification. `isIssuerNoCA`: of the server's certificate, which mbedTLS does not distinguish. */
extern TLSRefusal tlsChainRefusal(uint32_t flags, int isIssuerNoCA);
/* A fatal alert came. `isAsked`: the server had agreed on a version and a cipher before. */
extern TLSRefusal tlsAlertRefusal(unsigned alert, int isAsked);
/* mbedTLS's error is that there was no memory. */
extern int tlsIsMemory(int error);

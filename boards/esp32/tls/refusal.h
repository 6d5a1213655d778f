/* Why a connection was refused, from mbedTLS's error. */
#pragma once
#include <stdint.h>

#include "engine.h"

/* `flags`: of mbedTLS's verification. `isIssuerNoCA`: the issuer of the server's certificate is not a CA; mbedTLS has no flag for that. */
extern TLSRefusal tlsChainRefusal(uint32_t flags, int isIssuerNoCA);
/* A fatal alert was received. `isAsked`: the server had agreed on a version and a cipher before. */
extern TLSRefusal tlsAlertRefusal(unsigned alert, int isAsked);
/* Whether mbedTLS's error is a lack of memory. */
extern int tlsIsMemory(int error);

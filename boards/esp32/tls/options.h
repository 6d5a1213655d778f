/*
 * The configuration of ESP-IDF's mbedTLS that the engine requires: set in sdkconfig/sdkconfig.defaults, and checked here, where the
 * engine is compiled. The SDK compiles an app's C files without the definitions that ESP-IDF gives to users of the component; without them
 * the structures would differ from the library's.
 * Source: ESP-IDF 6.0, components/mbedtls (CMakeLists.txt, Kconfig, port/include/mbedtls/esp_config.h).
 */
#pragma once
#ifdef ESP_PLATFORM
#define MBEDTLS_CONFIG_FILE "mbedtls/esp_config.h"
#define TF_PSA_CRYPTO_USER_CONFIG_FILE "mbedtls/esp_config.h"

#include "sdkconfig.h"

#ifndef CONFIG_MBEDTLS_HAVE_TIME_DATE
#error "certificates would not be checked for their dates"
#endif
#if CONFIG_MBEDTLS_SSL_IN_CONTENT_LEN != 4096 || CONFIG_MBEDTLS_SSL_OUT_CONTENT_LEN != 4096
#error "records must have 4 KB each way: a device has no memory for more, and engine.c asks servers for this size"
#endif
#if !defined(CONFIG_MBEDTLS_SSL_MAX_FRAGMENT_LENGTH) || !defined(CONFIG_MBEDTLS_SSL_RECORD_SIZE_LIMIT)
#error "a server would not know of the 4 KB"
#endif
#if !defined(CONFIG_MBEDTLS_SSL_PROTO_TLS1_2) || !defined(CONFIG_MBEDTLS_SSL_PROTO_TLS1_3)
#error "TLS 1.2 and 1.3 are required"
#endif
#ifndef CONFIG_MBEDTLS_CLIENT_SSL_SESSION_TICKETS
#error "no session could be resumed"
#endif
#if defined(CONFIG_MBEDTLS_SSL_TLS1_3_KEXM_PSK) || defined(CONFIG_MBEDTLS_KEY_EXCHANGE_RSA)
#error "there would be sessions without forward secrecy"
#endif
#if defined(CONFIG_MBEDTLS_ALLOW_WEAK_CERTIFICATE_VERIFICATION) || defined(CONFIG_MBEDTLS_SSL_RENEGOTIATION)
#error "weak certificates, or renegotiation, would be accepted"
#endif
#if defined(CONFIG_MBEDTLS_CERTIFICATE_BUNDLE) || defined(CONFIG_MBEDTLS_TLS_SERVER) || defined(CONFIG_MBEDTLS_SSL_ALPN)
#error "public CAs, servers and ALPN are not used, and take memory"
#endif
#endif

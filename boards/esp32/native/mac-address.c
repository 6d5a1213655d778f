/* The address of the chip's Wi-Fi station. It is read from the eFuses, so the radio stays off. */
#include "xsmc.h"
#include "mc.xs.h"

#include "esp_mac.h"

#define MAC_BYTES 6

/** @returns 12 lower-case hexadecimal digits; "" if the eFuses have no valid address */
void xs_mac_address(xsMachine *the)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t mac[MAC_BYTES];
	char text[2 * MAC_BYTES + 1];
	int i, length = 0;

	if (ESP_OK == esp_read_mac(mac, ESP_MAC_WIFI_STA)) {
		for (i = 0; i < MAC_BYTES; i++) {
			text[length++] = digits[mac[i] >> 4];
			text[length++] = digits[mac[i] & 15];
		}
	}
	text[length] = 0;
	xsmcSetString(xsResult, text);
}

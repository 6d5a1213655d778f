/** The Wi-Fi station's address: 12 lower-case hexadecimal digits; "" if the chip has none. mac-address.c. */
export const macAddress = native("xs_mac_address") as () => string;

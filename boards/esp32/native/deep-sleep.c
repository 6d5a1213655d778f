/*
 * Deep sleep: everything is off except the slow clock and the RTC memory. It ends with a reset, by the timer or by a pin.
 * Source: ESP-IDF 6.0, "Sleep Modes", esp_sleep.h.
 */
#include "xsmc.h"
#include "mc.xs.h"

#include "esp_rtc_time.h"
#include "esp_sleep.h"
#include "esp_system.h"
#include "soc/soc_caps.h"
#if SOC_PM_SUPPORT_EXT1_WAKEUP
	#include "driver/rtc_io.h"
#endif

/** The values of deep-sleep.ts. */
enum { kCauseNone = 0, kCauseTimer = 1, kCausePin = 2, kCauseOther = 3 };

#define CAUSE(source) (1UL << (source))

/** @returns one of the causes above */
void xs_wake_cause(xsMachine *the)
{
	uint32_t causes;
	int cause = kCauseNone;

	if (ESP_RST_DEEPSLEEP == esp_reset_reason()) {
		causes = esp_sleep_get_wakeup_causes();
		if (causes & (CAUSE(ESP_SLEEP_WAKEUP_EXT0) | CAUSE(ESP_SLEEP_WAKEUP_EXT1) | CAUSE(ESP_SLEEP_WAKEUP_GPIO)))
			cause = kCausePin; // even if the timer ended at the same moment: a person waits
		else if (causes & CAUSE(ESP_SLEEP_WAKEUP_TIMER))
			cause = kCauseTimer;
		else
			cause = kCauseOther;
	}
	xsmcSetInteger(xsResult, cause);
}

/** A low level at `pin` wakes. The chip's pull-up keeps it high, if the pin has one (34 to 39 of an ESP32 have none). */
static esp_err_t wakeOnLow(gpio_num_t pin)
{
#if SOC_PM_SUPPORT_EXT1_WAKEUP
	// ESP-IDF holds the pad as it is, and does not enable the pull-up. Unlike ext0, ext1 allows the RTC peripherals to be switched off.
	rtc_gpio_init(pin);
	rtc_gpio_set_direction(pin, RTC_GPIO_MODE_INPUT_ONLY);
	rtc_gpio_pulldown_dis(pin);
	rtc_gpio_pullup_en(pin);
	// For a single pin, "all low" (ESP32) and "any low" (the others) are the same.
	#if CONFIG_IDF_TARGET_ESP32
	return esp_sleep_enable_ext1_wakeup_io(1ULL << pin, ESP_EXT1_WAKEUP_ALL_LOW);
	#else
	return esp_sleep_enable_ext1_wakeup_io(1ULL << pin, ESP_EXT1_WAKEUP_ANY_LOW);
	#endif
#elif SOC_GPIO_SUPPORT_HP_PERIPH_PD_SLEEP_WAKEUP
	// ESP-IDF enables the pull-up (CONFIG_ESP_SLEEP_GPIO_ENABLE_INTERNAL_RESISTORS, by default).
	return esp_sleep_enable_gpio_wakeup_on_hp_periph_powerdown(1ULL << pin, ESP_GPIO_WAKEUP_GPIO_LOW);
#else
	#error this chip wakes by no pin that we know of
#endif
}

/**
 * Sleeps, and does not return. Arguments: milliseconds; a pin, -1: none. The caller has stopped the radio.
 * @throws if the chip refuses the time or the pin
 */
void xs_deep_sleep(xsMachine *the)
{
	double ms = xsmcToNumber(xsArg(0));
	int pin = xsmcToInteger(xsArg(1));

	if (!(ms >= 0) || (ESP_OK != esp_sleep_enable_timer_wakeup((uint64_t)(ms * 1000))))
		xsUnknownError("no timer for so long a sleep");
	if ((pin >= 0) && (!esp_sleep_is_valid_wakeup_gpio((gpio_num_t)pin) || (ESP_OK != wakeOnLow((gpio_num_t)pin))))
		xsUnknownError("this pin cannot wake the chip");
	esp_deep_sleep_disable_rom_logging(); // the ROM's log lines at each wake cost more time than the rest of its work
	esp_deep_sleep_start();
}

/** @returns milliseconds by the slow clock, which runs in deep sleep and through a restart; with a fraction */
void xs_slow_clock(xsMachine *the)
{
	xsmcSetNumber(xsResult, (double)esp_rtc_get_time_us() / 1000);
}

/* Stands in for ESP-IDF's headers: what is asked of the chip is printed, what it answers was given on the command line. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef int esp_err_t;
typedef int gpio_num_t;
#define ESP_OK 0
#define ESP_ERR_INVALID_ARG 0x102
#define RTC_DATA_ATTR
#define ESP_RST_DEEPSLEEP 8
#define ESP_MAC_WIFI_STA 0

/* esp_sleep.h */
enum { ESP_SLEEP_WAKEUP_EXT0 = 2, ESP_SLEEP_WAKEUP_EXT1, ESP_SLEEP_WAKEUP_TIMER, ESP_SLEEP_WAKEUP_GPIO = 7 };
#define ESP_EXT1_WAKEUP_ALL_LOW "all low"
#define ESP_EXT1_WAKEUP_ANY_LOW "any low"
#define ESP_GPIO_WAKEUP_GPIO_LOW "low"

/* soc/soc_caps.h of the chip, and the pins that can wake it */
#if CONFIG_IDF_TARGET_ESP32C3
	#define SOC_GPIO_SUPPORT_HP_PERIPH_PD_SLEEP_WAKEUP 1
	#define WAKES(pin) ((pin) <= 5)
#else
	#define SOC_PM_SUPPORT_EXT1_WAKEUP 1
	#define WAKES(pin) ((pin) <= 39)
	#define RTC_GPIO_MODE_INPUT_ONLY 0
#endif

typedef struct { uint8_t app_elf_sha256[32]; } esp_app_desc_t;

extern struct {
	int resetReason;
	uint32_t causes;
	uint64_t rtcUs;
	bool hasAddress;
} chip;

void asleep(void) __attribute__((__noreturn__));

static inline int esp_reset_reason(void) { return chip.resetReason; }
static inline uint32_t esp_sleep_get_wakeup_causes(void) { return chip.causes; }
static inline uint64_t esp_rtc_get_time_us(void) { return chip.rtcUs; }
static inline bool esp_sleep_is_valid_wakeup_gpio(gpio_num_t pin) { return WAKES(pin); }
static inline esp_err_t rtc_gpio_init(gpio_num_t pin) { return pin < 0; }
static inline esp_err_t rtc_gpio_set_direction(gpio_num_t pin, int mode) { return pin < 0 || mode != 0; }
static inline esp_err_t rtc_gpio_pulldown_dis(gpio_num_t pin) { printf("pull-down off %d\n", pin); return ESP_OK; }
static inline esp_err_t rtc_gpio_pullup_en(gpio_num_t pin)
{
	printf("pull-up on %d\n", pin);
	return pin < 34 ? ESP_OK : ESP_ERR_INVALID_ARG;
}
static inline void esp_deep_sleep_disable_rom_logging(void) { printf("silent\n"); }
static inline void esp_deep_sleep_start(void) { printf("sleep\n"); asleep(); }
static inline esp_err_t esp_sleep_enable_timer_wakeup(uint64_t us)
{
	printf("timer %llu us\n", (unsigned long long)us);
	return us < 1ULL << 48 ? ESP_OK : ESP_ERR_INVALID_ARG;
}
static inline esp_err_t esp_sleep_enable_ext1_wakeup_io(uint64_t pins, const char *level)
{
	printf("ext1 %llx %s\n", (unsigned long long)pins, level);
	return ESP_OK;
}
static inline esp_err_t esp_sleep_enable_gpio_wakeup_on_hp_periph_powerdown(uint64_t pins, const char *level)
{
	printf("gpio %llx %s\n", (unsigned long long)pins, level);
	return ESP_OK;
}
static inline esp_err_t esp_read_mac(uint8_t *mac, int type)
{
	for (int i = 0; i < 6; i++) mac[i] = type == ESP_MAC_WIFI_STA ? (uint8_t[]){0x24, 0x6f, 0x28, 0xab, 0x0d, 0xef}[i] : 0;
	return chip.hasAddress ? ESP_OK : ESP_ERR_INVALID_ARG;
}
static inline const esp_app_desc_t *esp_app_get_description(void)
{
	static const esp_app_desc_t description = {{1, 2, 3, 4, 5, 6, 7, 254, 9}};
	return &description;
}

/* esp_ota_ops.h: slot 1 runs. The states are `causes`: 16 times that of the other slot, 15 there: not known; and that of slot 1. Without an address all of it fails. */
typedef struct { int subtype; } esp_partition_t;
typedef int esp_ota_img_states_t;
#define ESP_PARTITION_SUBTYPE_APP_OTA_MIN 0x10
static const esp_partition_t slots[] = {{0x10}, {0x11}};
static inline const esp_partition_t *esp_ota_get_running_partition(void) { return &slots[1]; }
static inline const esp_partition_t *esp_ota_get_next_update_partition(const esp_partition_t *from) { return from ? from : &slots[0]; }
static inline esp_err_t esp_ota_get_state_partition(const esp_partition_t *slot, esp_ota_img_states_t *state)
{
	*state = slot == &slots[0] ? chip.causes >> 4 : chip.causes & 15;
	return *state == 15 ? ESP_ERR_INVALID_ARG : ESP_OK;
}
static inline esp_err_t ota(const char *what) { printf("%s\n", what); return chip.hasAddress ? ESP_OK : ESP_ERR_INVALID_ARG; }
static inline esp_err_t esp_ota_invalidate_inactive_ota_data_slot(void) { return ota("forget"); }
static inline esp_err_t esp_ota_set_boot_partition(const esp_partition_t *slot) { return ota(slot == &slots[0] ? "boot 0" : "boot 1"); }
static inline esp_err_t esp_ota_mark_app_valid_cancel_rollback(void) { return ota("valid"); }
static inline esp_err_t esp_ota_mark_app_invalid_rollback(void) { return ota("invalid"); }

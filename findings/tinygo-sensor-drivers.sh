#!/usr/bin/env bash
# tinygo.org/x/drivers 0.37.0: with SHT3x, SHTC3 and ADT7410, a sensor that does not answer is read as -45 °C or as the last temperature, without an error; MCP9808 and ADT7410 are far off below 0 °C.
#
# Expected: `ReadTemperature() (temperature int32, err error)` returns an error where the bus does (no acknowledgement, as with a loose wire), as with SHT4x and BMP280. An answer whose CRC is wrong is
# refused. -10.5 °C is read as -10.5: MCP9808 and ADT7410 give two's complement (datasheets).
# Seen: SHT3x and SHTC3 drop the error of the bus and compute with zeros: -45 °C and 0 %, the error is nil. ADT7410 drops it too, and computes with what it read the last time: the temperature stands
# still. The CRC is not looked at, with SHT4x neither. MCP9808 computes the negative value and overwrites it by the positive one (245.5); ADT7410 takes the number without a sign (501.5). What to do:
# refuse -45 °C with 0 %; read the ADT7410's identity (`Connected`) before each value; subtract 256 from what the MCP9808 gives above 125 °C, and 512 from what the ADT7410 gives above 150 °C. Needs Go
# 1.26.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

mkdir "$work/client"
cat >"$work/client/main.go" <<'GO'
package main

import (
	"errors"
	"fmt"

	"tinygo.org/x/drivers"
	"tinygo.org/x/drivers/adt7410"
	"tinygo.org/x/drivers/bmp280"
	"tinygo.org/x/drivers/mcp9808"
	"tinygo.org/x/drivers/sht3x"
	"tinygo.org/x/drivers/sht4x"
	"tinygo.org/x/drivers/shtc3"
)

// A bus with one chip, which answers to each read with the same bytes, or with nothing at all.
type bus struct {
	answer  []byte
	present bool
}

func (b *bus) Tx(_ uint16, _, read []byte) error {
	if !b.present {
		return errors.New("no acknowledgement")
	}
	copy(read, b.answer)
	return nil
}

func crc(data []byte) byte {
	sum := byte(0xFF)
	for _, b := range data {
		sum ^= b
		for range 8 {
			if sum&0x80 != 0 {
				sum = sum<<1 ^ 0x31
			} else {
				sum <<= 1
			}
		}
	}
	return sum
}

// An answer of Sensirion's chips, which agree on the temperature's formula.
func sensirion(celsius float64) []byte {
	raw := uint16((celsius + 45) / 175 * 65535)
	word := []byte{byte(raw >> 8), byte(raw)}
	return []byte{word[0], word[1], crc(word), 0x80, 0, crc([]byte{0x80, 0})}
}

func word(value int16) []byte { return []byte{byte(uint16(value) >> 8), byte(value)} }

func show(milli int32, err error) string {
	if err != nil {
		return "error"
	}
	return fmt.Sprintf("%.1f", float64(milli)/1000)
}

type thermometer func() (int32, error)

var chips = []struct {
	name   string
	open   func(drivers.I2C) thermometer
	answer func(celsius float64) []byte
}{
	{"SHT3x", func(b drivers.I2C) thermometer { d := sht3x.New(b); return d.ReadTemperature }, sensirion},
	{"SHTC3", func(b drivers.I2C) thermometer { d := shtc3.New(b); return d.ReadTemperature }, sensirion},
	{"ADT7410", func(b drivers.I2C) thermometer { d := adt7410.New(b); d.Configure(); return d.ReadTemperature }, func(celsius float64) []byte { return word(int16(celsius * 128)) }},
	{"MCP9808", func(b drivers.I2C) thermometer {
		d := mcp9808.New(b)
		return func() (int32, error) { celsius, err := d.ReadTemperature(); return int32(celsius * 1000), err }
	}, func(celsius float64) []byte { return word(int16(celsius*16) & 0x1FFF) }},
	{"SHT4x", func(b drivers.I2C) thermometer {
		d := sht4x.New(b)
		return func() (int32, error) { milli, _, err := d.ReadTemperatureHumidity(); return milli, err }
	}, sensirion},
}

func main() {
	for _, chip := range chips {
		b := &bus{present: true}
		read := chip.open(b)
		fmt.Print(chip.name)
		for _, celsius := range []float64{-10.5, 21.5} {
			b.answer = chip.answer(celsius)
			fmt.Print(" ", show(read()))
		}
		if len(b.answer) == 6 {
			b.answer[0] ^= 0x10 // a bit is wrong, and the CRC with it
			fmt.Print(", damaged ", show(read()))
		}
		b.present = false
		fmt.Println(", unplugged", show(read()))
	}
	pressure := bmp280.New(&bus{})
	fmt.Println("BMP280 unplugged", show(pressure.ReadTemperature()))
}
GO
go_client tinygo.org/x/drivers@v0.37.0
timeout 60 "$work/client/client" >"$work/read"
line() { sed -n "s/^$1 //p" "$work/read"; }
seen "SHT3x at -10.5 and 21.5 °C" "-10.5 21.5, damaged 32.4, unplugged -45.0" "$(line SHT3x)"
seen "SHTC3" "-10.5 21.5, damaged 32.4, unplugged -45.0" "$(line SHTC3)"
seen "ADT7410" "501.5 21.5, unplugged 21.5" "$(line ADT7410)"
seen "MCP9808" "245.5 21.5, unplugged error" "$(line MCP9808)"
seen "SHT4x" "-10.5 21.5, damaged 32.4, unplugged error" "$(line SHT4x)"
seen "BMP280" "unplugged error" "$(line BMP280)"
exit "$differences"

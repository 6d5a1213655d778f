#!/usr/bin/env bash
# Two Rust drivers: mcp9808 0.4.0 reads -10.5 °C as 11.5 °C, and writes each register without its last byte, so that no limit is set; sht31 0.3.3 reads 45 °C as -130 °C.
#
# Expected: an MCP9808 at -10.5 °C is read as -10.5, and its lower limit of 5 and of -5 °C is written as 0x0050 and 0x1FB0 (13 bits in two's complement, by the datasheet); an SHT31 at 45 °C is read as
# 45 (its raw value goes from 0 to 65535 for -45 to 130 °C).
# Seen: below 0 °C, mcp9808 gives the whole degrees without their sign, and adds the fraction to them: the colder it is, the warmer it reads, and -0.5 °C is 1.5. Of the two bytes of a limit only the
# first is sent, so that the chip keeps the second one; for a negative limit that first byte is the one of -256 °C. The resolution, a register of one byte, is not sent at all. sht31 takes the raw
# value as a signed number: from 42.5 °C on it is 175 °C too low, with a good CRC and no error. What to do: for mcp9808, compute from `get_raw_value` ((raw << 3) as i16, divided by 128), and write
# limits and resolution past the driver; for sht31, add 175 to what is below -45. Needs Rust.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

mkdir -p "$work/client/src"
cat >"$work/client/Cargo.toml" <<'TOML'
[package]
name = "client"
version = "0.0.0"
edition = "2021"
[dependencies]
embedded-hal = "=1.0.0"
mcp9808 = "=0.4.0"
sht31 = "=0.3.3"
[profile.dev]
debug = false
TOML
cat >"$work/client/src/main.rs" <<'RUST'
use embedded_hal::{delay::DelayNs, i2c::{ErrorKind, ErrorType, I2c, Operation}};
use mcp9808::{reg_res::{Resolution, ResolutionVal}, reg_temp_generic::{ReadableTempRegister, WritableTempRegister}, MCP9808};
use sht31::{mode::{Sht31Reader, SimpleSingleShot}, TemperatureUnit, SHT31};

/// A bus with one chip, which answers to each read with the same bytes and keeps what was written last.
struct Bus<'a>(&'a [u8], &'a mut Vec<u8>);
impl ErrorType for Bus<'_> {
    type Error = ErrorKind;
}
impl I2c for Bus<'_> {
    fn transaction(&mut self, _: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        for operation in operations {
            match operation {
                Operation::Read(buffer) => buffer.copy_from_slice(&self.0[..buffer.len()]),
                Operation::Write(bytes) => *self.1 = bytes.to_vec(),
            }
        }
        Ok(())
    }
}

struct NoDelay;
impl DelayNs for NoDelay {
    fn delay_ns(&mut self, _: u32) {}
}

fn crc(data: &[u8]) -> u8 {
    data.iter().fold(0xFF, |sum, byte| (0..8).fold(sum ^ byte, |sum, _| if sum & 0x80 != 0 { sum << 1 ^ 0x31 } else { sum << 1 }))
}

fn mcp9808(celsius: f32) -> f32 {
    let answer = ((celsius * 16.0) as i16 as u16 & 0x1FFF).to_be_bytes();
    let mut written = Vec::new();
    let mut driver = MCP9808::new(Bus(&answer, &mut written));
    let celsius = driver.read_temperature().unwrap().get_celsius(ResolutionVal::Deg_0_0625C);
    celsius
}

fn from_raw(celsius: f32) -> f32 {
    let answer = ((celsius * 16.0) as i16 as u16 & 0x1FFF).to_be_bytes();
    let mut written = Vec::new();
    let mut driver = MCP9808::new(Bus(&answer, &mut written));
    let raw = driver.read_temperature().unwrap().get_raw_value();
    f32::from((raw << 3) as i16) / 128.0
}

/// What is sent to set a lower limit: the register's number, and the bytes for it.
fn limit(celsius: f32) -> Vec<u8> {
    let mut written = Vec::new();
    let mut driver = MCP9808::new(Bus(&[0, 0], &mut written));
    let mut register = driver.read_alert_lower().unwrap();
    register.set_celsius(celsius);
    driver.write_register(register).unwrap();
    drop(driver);
    written
}

fn resolution() -> Vec<u8> {
    let mut written = Vec::new();
    let mut driver = MCP9808::new(Bus(&[3], &mut written));
    let mut register = driver.read_resolution().unwrap();
    register.set_resolution(ResolutionVal::Deg_0_5C);
    driver.write_register(register).unwrap();
    drop(driver);
    written
}

fn sht31(celsius: f32) -> f32 {
    let raw = (((celsius + 45.0) / 175.0 * 65535.0) as u16).to_be_bytes();
    let answer = [raw[0], raw[1], crc(&raw), 0x80, 0, crc(&[0x80, 0])];
    let mut written = Vec::new();
    let mode = SimpleSingleShot::new(NoDelay);
    SHT31::simple_single_shot(Bus(&answer, &mut written), mode).with_unit(TemperatureUnit::Celsius).read().unwrap().temperature
}

fn main() {
    println!("{} {} {} {}", mcp9808(10.5), mcp9808(-0.5), mcp9808(-10.5), from_raw(-10.5));
    println!("{:02x?} {:02x?} {:02x?}", limit(5.0), limit(-5.0), resolution());
    println!("{:.1} {:.1} {:.1} {:.1}", sht31(-10.5), sht31(21.5), sht31(42.0), sht31(45.0));
}
RUST
(cd "$work/client" && CARGO_TARGET_DIR="$work/target" cargo build --quiet)
timeout 60 "$work/target/debug/client" >"$work/read"
seen "mcp9808 at 10.5, -0.5 and -10.5 °C, and -10.5 from the raw value" "10.5 1.5 11.5 -10.5" "$(sed -n 1p "$work/read")"
seen "sent for its lower limit of 5 and -5 °C, and for its resolution" "[03, 00] [03, 10] [08]" "$(sed -n 2p "$work/read")"
seen "sht31 at -10.5, 21.5, 42 and 45 °C" "-10.5 21.5 42.0 -130.0" "$(sed -n 3p "$work/read")"
exit "$differences"

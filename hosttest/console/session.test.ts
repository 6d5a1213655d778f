/*
 * Sessions at the prompt: what a person sees on the screen, and what the device keeps.
 */
import { describe, expect, test } from "vitest";
import { Device } from "./device.js";

const GREETING = "home-thermometer 1.0.0 (test). Type help for the commands.";

describe("a session at the prompt", () => {
  test("first boot: a greeting and a prompt", () => {
    const device = new Device();
    expect(device.screen.rows).toEqual([GREETING, ">"]);
    expect(device.screen.editedRow).toBe("> |");
  });

  test("an edit is marked until it is saved, and is in force after the reboot", () => {
    const device = new Device();
    device.type("set room attic\rshow room\rsave\rshow room\rreboot\rshow room\r");
    expect(device.screen.rows).toEqual([
      GREETING,
      "> set room attic",
      "*> show room",
      "* room            livingroom  (default)  * edited: attic",
      "  Readings go to home/<room>/temperature.",
      "  Takes one topic level: 1 to 64 bytes, without / + # and control characters. In",
      " force after a reboot.",
      "*> save",
      "saved: room",
      "in force after a reboot: room",
      "> show room",
      "  room            livingroom  after reboot: attic",
      "  Readings go to home/<room>/temperature.",
      "  Takes one topic level: 1 to 64 bytes, without / + # and control characters. In",
      " force after a reboot.",
      "> reboot",
      "rebooting",
      GREETING,
      "> show room",
      "  room            attic",
      "  Readings go to home/<room>/temperature.",
      "  Takes one topic level: 1 to 64 bytes, without / + # and control characters. In",
      " force after a reboot.",
      ">",
    ]);
  });
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_NETWORKS, Survey } from "../../src/network/survey.js";

const results = fc.array(
  fc.record({
    SSID: fc.oneof(
      fc.constantFrom("", "home", "café", "\u0007bell", "c1\u009b"),
      fc.string({ unit: "binary", maxLength: 4 }),
    ),
    RSSI: fc.integer({ min: -100, max: -20 }),
    channel: fc.integer({ min: 1, max: 13 }),
    security: fc.constantFrom("none", "wpa2_psk", undefined),
  }),
  { maxLength: 80 },
);

test("for any scan results: bounded, sorted, one entry a name, the strongest of each that ranks, no control characters", () => {
  fc.assert(
    fc.property(results, (heard) => {
      const survey = new Survey("home");
      for (const result of heard) survey.add(result);

      const strongest = new Map<string, number>();
      for (const { SSID, RSSI } of heard) {
        if (SSID !== "" && !/[\u0000-\u001f\u007f-\u009f]/.test(SSID))
          strongest.set(SSID, Math.max(RSSI, strongest.get(SSID) ?? -1_000));
      }
      const ranked = [...strongest.values()].sort((a, b) => b - a).slice(0, MAX_NETWORKS);
      expect(survey.networks.map((network) => network.rssi)).toEqual(ranked);
      for (const { ssid, rssi } of survey.networks) expect(rssi).toBe(strongest.get(ssid));
      expect(new Set(survey.networks.map((network) => network.ssid)).size).toBe(ranked.length);
      expect(survey.heard).toBe(heard.some((result) => result.SSID === "home"));
    }),
  );
});

test("the network that is sought counts as found, even if it is too weak to be listed", () => {
  const survey = new Survey("home");
  for (let i = 0; i < MAX_NETWORKS; i++) survey.add({ SSID: `neighbour ${i}`, RSSI: -40, channel: 1 });
  survey.add({ SSID: "home", RSSI: -90, channel: 1 });
  expect(survey.networks).toHaveLength(MAX_NETWORKS);
  expect(survey.heard).toBe(true);
});

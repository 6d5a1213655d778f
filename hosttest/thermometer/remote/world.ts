/*
 * A device that takes commands, and somebody who sends them: for one question, or for a thousand in bad weather.
 */
import { SimulatedDevice } from "../../support/device-board.js";
import { House } from "../../support/house.js";
import { Commander, type Sent } from "./commander.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
export const ID = "thermometer020000000001";
export const TOPIC = `home/kitchen/${ID}/command`;
export const ANSWER = `home/kitchen/${ID}/answer`;
export const SECRET = "pa55word-of-the-broker";

interface Said {
  readonly id?: string;
  readonly ok: boolean;
  readonly answer: string;
}

export function world(defaults: Record<string, string> = {}, renumbers = false) {
  const house = new House();
  const version = defaults["mqtt.version"] === "3.1.1" ? 4 : 5;
  const commander = new Commander(house, TOPIC, version, renumbers);
  const one = new SimulatedDevice({
    house,
    defaults: { interval: "3600", "mqtt.password": SECRET, "mqtt.user": "u", ...defaults },
  });
  one.powerOn();
  house.time.advance(MINUTE);
  const answers = (): Said[] => house.payloads(ANSWER).map((payload) => JSON.parse(payload));
  const ask = (payload: Sent["payload"], more: Partial<Sent> = {}): Said => {
    const before = answers().length;
    commander.send({ payload, qos: 1, ...more });
    house.time.advance(5 * SECOND);
    if (answers().length !== before + 1) throw new Error(`${answers().length - before} answers to ${payload}`);
    return answers()[before];
  };
  return { house, time: house.time, one, commander, answers, ask };
}

/** Commands through power cuts at any byte of either flash, resets and lost sessions: each is done once. */
export function chaos(qos: 1 | 2, seed: number, count: number, renumbers: boolean): Record<string, number> {
  const { house, time, one, commander } = world({ remote: "on", "mqtt.qos": "2" }, renumbers);
  const { random } = house;
  for (let n = 0; n < seed % 97; n++) random.unit();
  let samples = 0;
  let cuts = 0;
  let resets = 0;
  const runs = new Map<string, number>();
  const values: number[] = [];
  for (let n = 0; n < count; n++) {
    const kind = n % 3;
    const text = kind === 0 ? "sample" : kind === 1 ? `report ${n + 1}` : "identify";
    if (kind === 0) samples++;
    if (kind === 1) values.push(n + 1);
    commander.send({ payload: renumbers ? JSON.stringify({ command: text, id: `${n}` }) : text, qos });
    runs.set(text, (runs.get(text) ?? 0) + 1);
    time.advance(random.whole(0, 400));
    if (random.chance(0.15)) {
      resets++;
      house.network.resetAll();
    } else if (random.chance(0.2)) {
      cuts++;
      if (random.chance(0.5)) one.settingsFlash.cutAfter(random.whole(1, 300));
      else one.flash.cutAfter(random.whole(1, 60));
      time.advance(random.whole(0, 3_000));
      if (one.isOn) one.cut();
      one.powerOn();
    }
    if (n % 8 === 7) time.runUntil(() => commander.open === 0, 20 * MINUTE);
    if (!one.isOn) one.powerOn();
  }
  time.runUntil(() => commander.open === 0, 60 * MINUTE);
  time.advance(MINUTE);
  const taken = house.sequences().length;
  return {
    count,
    samples,
    cuts,
    resets,
    deliveries: commander.deliveries,
    taken,
    boots: one.boots,
    open: commander.open,
    last: one.firmware.settings.get("report"),
    want: values.at(-1) ?? 0,
    crashes: one.crashes.length,
  };
}

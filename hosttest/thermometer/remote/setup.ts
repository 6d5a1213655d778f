/*
 * A device that executes commands, and a sender: for single commands, or for a thousand through faults.
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

interface Answer {
  readonly id?: string;
  readonly ok: boolean;
  readonly answer: string;
}

export function setup(defaults: Record<string, string> = {}, renumbers = false) {
  const house = new House();
  const version = defaults["mqtt.version"] === "3.1.1" ? 4 : 5;
  const commander = new Commander(house, TOPIC, version, renumbers);
  const one = new SimulatedDevice({
    house,
    defaults: { interval: "3600", "mqtt.password": SECRET, "mqtt.user": "u", ...defaults },
  });
  one.powerOn();
  house.time.advance(MINUTE);
  const answers = (): Answer[] => house.payloads(ANSWER).map((payload) => JSON.parse(payload));
  const ask = (payload: Sent["payload"], more: Partial<Sent> = {}): Answer => {
    const before = answers().length;
    commander.send({ payload, qos: 1, ...more });
    house.time.advance(5 * SECOND);
    if (answers().length !== before + 1) throw new Error(`${answers().length - before} answers to ${payload}`);
    return answers()[before];
  };
  return { house, time: house.time, one, commander, answers, ask };
}

/** From now on, also after reboots, it takes readings only on request, so that each can be counted. */
export function onRequest(one: SimulatedDevice): void {
  one.firmware.stopSampling();
  const { powerOn } = one;
  one.powerOn = (cause) => {
    if (one.isOn) return one;
    powerOn.call(one, cause);
    if (one.isOn) one.firmware.stopSampling();
    return one;
  };
}

/** Commands through power cuts at any byte of either flash, resets and lost sessions: how often each kind was executed. */
export function chaos(qos: 1 | 2, seed: number, count: number, hasIds: boolean): Record<string, number> {
  const { house, time, one, commander, answers } = setup({ remote: "on", "mqtt.qos": "2" }, hasIds);
  const { random } = house;
  for (let n = 0; n < seed % 97; n++) random.unit();
  onRequest(one);
  const before = house.sequences().length;
  let samples = 0;
  let cuts = 0;
  let report = 0;
  const live = (isOver: () => boolean): void => {
    for (let s = 0; s < 3_600 && !isOver(); s++) {
      one.powerOn();
      time.advance(SECOND);
    }
  };
  for (let n = 0; n < count; n++) {
    const text = ["sample", `report ${n + 1}`, "identify", `offset 0.0${n % 7}`][n % 4];
    if (text === "sample") samples++;
    if (text.startsWith("report")) report = n + 1;
    const payload = hasIds ? JSON.stringify({ command: text, id: `${n}` }) : text;
    commander.send({ payload, qos, correlationData: `${n}` });
    time.advance(random.whole(0, 400));
    if (random.chance(0.15)) house.network.resetAll();
    else if (random.chance(0.3)) {
      cuts++;
      if (random.chance(0.5)) one.settingsFlash.cutAfter(random.whole(1, 300));
      else one.flash.cutAfter(random.whole(1, 60));
      time.advance(random.whole(0, 3_000));
      if (one.isOn) one.cut();
    }
    if (n % 8 === 7) live(() => commander.open === 0);
    one.powerOn();
  }
  live(() => commander.open === 0 && one.firmware.unsettled === 0);
  let seconds = 30; // for pending samples
  live(() => seconds-- === 0);
  return {
    count,
    samples,
    cuts,
    open: commander.open,
    taken: house.sequences().length - before,
    report,
    lastReport: one.firmware.settings.get("report"),
    refused: answers().filter(({ ok }) => !ok).length,
    crashes: one.crashes.length,
  };
}

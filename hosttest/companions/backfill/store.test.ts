import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { removeFolder, temporaryFolder } from "../../support/temporary.js";
import { messageFrom, type SampleMessage } from "../message.js";
import { writeCSV } from "./export/csv.js";
import { writeOpenMetrics } from "./export/openmetrics.js";
import { HOUR_MS, hourOf } from "./hours.js";
import { lineOf } from "./influx.js";
import { Store } from "./store.js";

const TS = Date.UTC(2026, 5, 17, 9, 12);
const ARRIVED = TS + 5 * HOUR_MS;
const FAR = TS + 1000 * HOUR_MS;
let folder: string;
let store: Store;

beforeEach(() => {
  folder = temporaryFolder("backfill-");
  store = new Store(join(folder, "store.sqlite"));
});
afterEach(() => {
  store.close();
  removeFolder(folder);
});

function sample(fields: object, room = "attic", channel = "temperature"): SampleMessage {
  return messageFrom(`home/${room}/${channel}`, Buffer.from(JSON.stringify(fields))) as SampleMessage;
}
const at = (ms: number): string => new Date(ms).toISOString();
const kept = (fields: object, room?: string, channel?: string) => store.keep(sample(fields, room, channel), ARRIVED);

describe("each sample once", () => {
  test("the same number and time is a double; another time, room or channel is not", () => {
    const one = { value: 21.5, ts: at(TS), seq: 7 };
    expect([kept(one), kept(one)]).toEqual(["new", "double"]);
    expect(kept({ ...one, ts: at(TS + 1) })).toBe("new"); // a device that counts from 0 again
    expect(kept(one, "kitchen")).toBe("new");
    expect(kept(one, "attic", "humidity")).toBe("new");
    expect(store.count).toBe(4);
  });

  test("without a time, and the second time with it; and in the other order", () => {
    expect(kept({ value: 21.5, seq: 7 })).toBe("new");
    expect(kept({ value: 21.5, seq: 7 })).toBe("double");
    expect(kept({ value: 21.5, ts: at(TS), seq: 7 })).toBe("dated");
    expect(kept({ value: 21.5, seq: 7 })).toBe("double");
    expect([...store.all()]).toMatchObject([{ seq: 7, ts: TS, point: ARRIVED }]);
    expect(kept({ value: 21.4, seq: 7 })).toBe("new"); // another value is another sample
  });

  test("without a number all are stored, except the same value at the same time", () => {
    expect([kept({ value: 21.5 }), kept({ value: 21.5 })]).toEqual(["new", "new"]);
    const dated = { value: 21.5, ts: at(TS) };
    expect([kept(dated), kept(dated)]).toEqual(["new", "double"]);
  });

  test("a stored sample is in the files even if the process ends here; a second process is refused", () => {
    kept({ value: 21.5, ts: at(TS), seq: 7 });
    expect(() => new Store(join(folder, "store.sqlite"))).toThrow(/locked/);
    for (const end of ["", "-wal"]) copyFileSync(join(folder, `store.sqlite${end}`), join(folder, `copy.sqlite${end}`));
    const copy = new Store(join(folder, "copy.sqlite"));
    expect(copy.keep(sample({ value: 21.5, ts: at(TS), seq: 7 }), ARRIVED)).toBe("double");
    copy.close();
  });
});

describe("hours to write", () => {
  const starts = () => store.dueHours(FAR).map(({ start }) => start);

  test("the sample's, and the next one if it has samples; not before it has ended", () => {
    kept({ value: 1, ts: at(TS + HOUR_MS), seq: 2 });
    kept({ value: 1, ts: at(TS), seq: 1 });
    expect(starts()).toEqual([hourOf(TS), hourOf(TS) + HOUR_MS]);
    expect(store.dueHours(hourOf(TS) + HOUR_MS - 1)).toEqual([]);
  });

  test("removed when written, unless a sample has arrived since", () => {
    kept({ value: 1, ts: at(TS), seq: 1 });
    const [hour] = store.dueHours(FAR);
    kept({ value: 2, ts: at(TS + 1000), seq: 2 });
    store.settleHour(hour);
    expect(starts()).toHaveLength(1);
    store.settleHour(store.dueHours(FAR)[0]);
    expect(starts()).toEqual([]);
  });

  test("a sample that gets its time later changes two hours, even if the first one was written", () => {
    kept({ value: 1, seq: 1 });
    store.settleHour(store.dueHours(FAR)[0]);
    kept({ value: 1, ts: at(TS), seq: 1 });
    expect(starts()).toEqual([hourOf(TS), hourOf(ARRIVED)]);
    expect(store.valuesOf({ room: "attic", start: hourOf(ARRIVED), changed: 0 })).toEqual(new Map());
    expect(store.valuesOf({ room: "attic", start: hourOf(TS), changed: 0 }).get("temperature")).toEqual([
      { atMs: TS, value: 1 },
    ]);
  });
});

test("samples that were served are not served again", () => {
  for (let seq = 0; seq < 5; seq++) kept({ value: seq, ts: at(TS + seq), seq });
  const first = store.unserved("influx", 3);
  expect(first.map(({ seq }) => seq)).toEqual([0, 1, 2]);
  store.serve("influx", first[2].id);
  expect(store.unserved("influx", 3).map(({ seq }) => seq)).toEqual([3, 4]);
  expect(store.unserved("other", 9)).toHaveLength(5);
});

describe("as a point", () => {
  const lines = () => [...store.all()].map(lineOf);

  test("at its time; without one at its arrival, followed by its number", () => {
    kept({ value: 21.5, humidity: 45.2, ts: at(TS + 500), seq: 7 });
    kept({ value: 21.5, seq: 8 });
    expect(lines()).toEqual([
      `temperature,room=attic value=21.5,humidity=45.2,seq=7i ${TS + 500}000000`,
      `temperature,room=attic value=21.5,seq=8i ${ARRIVED}000008`,
    ]);
  });

  test("it is not moved when its sample gets a time", () => {
    kept({ value: 21.5, seq: 8 });
    const [before] = lines();
    kept({ value: 21.5, ts: at(TS), seq: 8 });
    expect(lines()).toEqual([before]);
  });

  test("a room's name is escaped; a sample without a value is no point", () => {
    kept({ value: 1, ts: at(TS), seq: 1 }, "a b,c=d\\");
    kept({ seq: 2, ts: at(TS) }, "z");
    expect(lines()).toEqual([`temperature,room=a\\ b\\,c\\=d\\\\ value=1,seq=1i ${TS}000000`, undefined]);
  });

  test("a channel with its own topic is the value", () => {
    kept({ value: 45.2, ts: at(TS), seq: 1 }, "attic", "humidity");
    expect(lines()).toEqual([`humidity,room=attic value=45.2,seq=1i ${TS}000000`]);
  });
});

test("as CSV", () => {
  kept({ value: 21.5, ts: at(TS), seq: 7 }, 'the "attic", left');
  kept({ humidity: 45.2, seq: 8 }, "z");
  const file = join(folder, "all.csv");
  expect(writeCSV(file, store.all())).toBe(2);
  expect(readFileSync(file, "utf8").split("\r\n")).toEqual([
    "room,measured,arrived,seq,topic,temperature,humidity,pressure",
    '"the ""attic"", left",2026-06-17T09:12:00.000Z,2026-06-17T14:12:00.000Z,7,temperature,21.5,,',
    "z,,2026-06-17T14:12:00.000Z,8,temperature,,45.2,",
    "",
  ]);
});

test("as OpenMetrics: a family a channel, a series a room, each time once; it ends as a reader expects", () => {
  kept({ value: 21.5, humidity: 40, ts: at(TS), seq: 7 }, 'the "attic", left');
  kept({ value: 21.6, seq: 8 }, "z");
  kept({ value: 21.7, seq: 9 }, "z");
  kept({ value: 45.2, ts: at(TS), seq: 10 }, "z", "humidity");
  const file = join(folder, "all.txt");
  expect(writeOpenMetrics(file, () => store.all())).toBe(5);
  const measured = (TS / 1_000).toFixed(3);
  const arrived = (TS / 1_000 + 5 * 3_600).toFixed(3);
  expect(readFileSync(file, "utf8").split("\n")).toEqual([
    "# TYPE home_temperature gauge",
    `home_temperature{room="the \\"attic\\", left"} 21.5 ${measured}`,
    `home_temperature{room="z"} 21.6 ${arrived}`,
    `home_temperature{room="z"} 21.7 ${arrived.replace(/0$/, "1")}`,
    "# TYPE home_humidity gauge",
    `home_humidity{room="the \\"attic\\", left"} 40 ${measured}`,
    `home_humidity{room="z"} 45.2 ${measured}`,
    "# TYPE home_pressure gauge",
    "# EOF",
    "",
  ]);
});

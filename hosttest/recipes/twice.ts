/*
 * Messages in the form of the device's that come twice, as QoS 1 allows: at once, with others in between, and one without `ts`
 * that has it the second time, since the device has learned the time meanwhile.
 */
import mqtt from "mqtt";

const ROOM = "twice";
const COUNT = 30;
let next = 0; // over all calls

export async function publishTwice(port: number): Promise<void> {
  const client = await mqtt.connectAsync({ host: "127.0.0.1", port });
  const publish = async (reading: object): Promise<void> => {
    await client.publishAsync(`home/${ROOM}/temperature`, JSON.stringify(reading), { qos: 1 });
  };
  const beginMs = Date.now();
  const dated = readings((place) => ({ ts: new Date(beginMs - 60_000 + place).toISOString() }));
  const undated = readings(() => ({}));
  for (const group of [dated, undated]) {
    for (const reading of group) await publish(reading);
    for (const reading of group) await publish(reading);
    for (const reading of group) {
      await publish(reading);
      await publish(reading);
    }
  }
  for (const { value, seq } of undated) await publish({ value, ts: new Date(beginMs).toISOString(), seq });
  await client.endAsync();
}

/** The value is the same in all: it does not distinguish them. */
function readings(more: (place: number) => object): { value: number; seq: number }[] {
  return Array.from({ length: COUNT }, (_one, place) => ({ value: 21.5, ...more(place), seq: next++ }));
}

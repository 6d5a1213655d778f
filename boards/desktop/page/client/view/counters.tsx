import type { DeviceLive } from "../device-live.js";
import { count } from "../format.js";

/** The five main figures. */
export function Counters({ device }: { device: DeviceLive }) {
  const { counts, state } = device;
  const { taken, delivered, waiting, doubled, lost, evicted, late, unseen, deadLetters, dropped, inTransit } = counts;
  if (!state.isNumbered) {
    return (
      <p class="note" role="status">
        {count(state.taken)} readings taken. These have no numbers ({state.qos === 0 ? "QoS 0" : "payload plain"}), so
        that losses cannot be counted: <code>set mqtt.qos 1</code>, <code>set payload json</code>.
      </p>
    );
  }
  const more = [
    late > 0 && `${count(late)} of them late`,
    inTransit > 0 && `${count(inTransit)} in transit`,
    unseen > 0 && `${count(unseen)} not seen: the subscriber was disconnected`,
    deadLetters > 0 && `${count(deadLetters)} dead-lettered`,
    dropped > 0 && `${count(dropped)} dropped by hand`,
  ].filter(Boolean);
  return (
    <dl class="counters">
      <Figure
        name="taken"
        value={taken}
        note={state.refused > 0 ? `${count(state.refused)} refused` : "by the sensor"}
      />
      <Figure name="delivered" value={delivered} note={more.join(", ") || "at the subscriber"} />
      <Figure name="waiting" value={waiting} note="safe in flash" />
      <Figure
        name="doubled"
        value={doubled}
        note={state.qos === 2 ? "QoS 2: only by a broker that forgets" : "QoS 1: possible after a cut"}
      />
      <Figure name="lost" value={lost} note={lossNote(lost, evicted)} />
    </dl>
  );
}

function lossNote(lost: number, evicted: number): string {
  if (lost === 0) return "as promised";
  return lost === evicted ? "flash was full: the oldest were evicted" : "a fault: please report it";
}

function Figure({ name, value, note }: { name: string; value: number; note: string }) {
  return (
    <div class={`figure ${name} ${value === 0 ? "none" : "some"}`}>
      <dt>{name}</dt>
      <dd>
        <b data-count={name}>{count(value)}</b>
        <span>{note}</span>
      </dd>
    </div>
  );
}

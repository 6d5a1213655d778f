import { useState } from "preact/hooks";
import type { PacketView } from "../../protocol.js";
import type { DeviceLive } from "../device-live.js";
import { time } from "../format.js";

const MAX_SHOWN = 60;

/** The last packets each way, newest first. */
export function WirePanel({ device }: { device: DeviceLive }) {
  const [frozen, freeze] = useState<readonly PacketView[]>();
  const [filter, setFilter] = useState("");
  const packets = frozen ?? device.packets;
  const shown = packets
    .filter((packet) => matches(packet, filter))
    .slice(-MAX_SHOWN)
    .reverse();
  return (
    <section class="panel wire" aria-label="The wire">
      <div class="bar">
        <h3>Wire</h3>
        <label class="filter">
          <span class="unseen">Filter</span>
          <input
            type="search"
            placeholder="filter: publish, dup, 0x87, ..."
            value={filter}
            onInput={({ currentTarget }) => setFilter(currentTarget.value)}
          />
        </label>
        <button
          type="button"
          class="small"
          aria-pressed={frozen !== undefined}
          onClick={() => freeze(frozen === undefined ? device.packets : undefined)}
        >
          {frozen === undefined ? "Pause" : "Go on"}
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <section class="packets" tabIndex={0} aria-label="Packets, newest first">
        <table>
          <thead class="unseen">
            <tr>
              <th scope="col">time</th>
              <th scope="col">direction</th>
              <th scope="col">packet</th>
              <th scope="col">content</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((packet) => (
              <Row key={packet.n} packet={packet} />
            ))}
          </tbody>
        </table>
        {shown.length === 0 ? <p class="says">{filter === "" ? "nothing yet" : "nothing that matches"}</p> : null}
      </section>
    </section>
  );
}

function Row({ packet }: { packet: PacketView }) {
  const { atMs, direction, type, flags, packetId, topic, detail, isRefusal, bytes } = packet;
  const isSent = direction === "sent";
  return (
    <tr class={`${type === "link" ? "link-row" : direction} ${isRefusal ? "refusal" : ""}`}>
      <td>{time(atMs)}</td>
      <td title={isSent ? "to the broker" : "from the broker"}>{type === "link" ? "·" : isSent ? "→" : "←"}</td>
      <td>
        <b>{type}</b>
        {packetId === undefined ? null : <small> #{packetId}</small>}
        {flags === "" ? null : <small class="flags"> {flags}</small>}
      </td>
      <td title={`${bytes} bytes after the fixed header`}>
        {topic === undefined ? null : <span class="topic">{topic} </span>}
        {detail}
      </td>
    </tr>
  );
}

function matches({ type, flags, packetId, topic = "", detail }: PacketView, filter: string): boolean {
  const text = `${type} ${flags} #${packetId ?? ""} ${topic} ${detail}`.toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

import type { DeviceLive } from "../device-live.js";
import { time } from "../format.js";
import type { Live } from "../live.js";

/** The broker, its switches, and during an outage when the device last tried to reach it. */
export function BrokerNode({ live, device, mark }: { live: Live; device: DeviceLive; mark: string }) {
  const { broker } = live;
  if (broker === undefined) return <li class="node" />;
  const isOurs = broker.kind === "embedded";
  const attempts = attemptsText(device);
  return (
    <li class={`node ${mark} ${broker.isRunning ? "" : "down"}`} data-broker={broker.isRunning ? "running" : "stopped"}>
      <h3>
        Broker <span class="power-state">{broker.isRunning ? "" : isOurs ? "stopped" : "not reached"}</span>
      </h3>
      {!isOurs ? null : broker.isRunning ? (
        <div class="pair">
          <button type="button" class="small" data-do="stopBroker" onClick={() => live.onBroker("stop")}>
            Stop
          </button>
          <button
            type="button"
            class="small"
            data-do="killBroker"
            title="Like kill -9: its sessions are lost"
            onClick={() => live.onBroker("kill")}
          >
            Kill
          </button>
        </div>
      ) : (
        <button type="button" class="plug on" data-do="startBroker" onClick={() => live.onBroker("start")}>
          Start it
        </button>
      )}
      <p class="says">
        {broker.address} {isOurs ? "(in this process)" : "(yours: stop it yourself)"}
      </p>
      {attempts === undefined ? null : (
        <p class="says" data-attempts>
          {attempts}
        </p>
      )}
    </li>
  );
}

/** Of a device that could reach a broker, and does not; undefined: of one that is connected, or that does not try. */
function attemptsText({ state, uplink }: DeviceLive): string | undefined {
  if (state.power !== "on" || !state.hasNetwork || uplink.isConnected || uplink.triedMs === undefined) return undefined;
  return `last attempt ${time(uplink.triedMs)}; the next within a minute`;
}

export function SubscriberNode({ live, device, mark }: { live: Live; device: DeviceLive; mark: string }) {
  const isThere = live.broker?.isSubscribed ?? false;
  const last = device.ledger.lastReceived;
  const value = last?.values?.value ?? last?.values?.temperature;
  return (
    <li class={`node ${mark} ${isThere ? "" : "down"}`}>
      <h3>
        Subscriber <span class="power-state">{isThere ? "" : "waits"}</span>
      </h3>
      <p class="big">{value === undefined ? "–" : `${value.toFixed(2)} °C`}</p>
      <p class="says">
        {last?.receivedMs === undefined
          ? "nothing yet"
          : `seq ${last.seq}, received ${time(last.receivedMs)}${last.takenMs && last.receivedMs - last.takenMs > 3_000 ? `, taken ${time(last.takenMs)}` : ""}`}
        <br />
        on home/+/+
      </p>
    </li>
  );
}

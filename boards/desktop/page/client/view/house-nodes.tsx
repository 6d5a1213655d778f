import type { DeviceLive } from "../device-live.js";
import { time } from "../format.js";
import type { Live } from "../live.js";

export function BrokerNode({ live, mark }: { live: Live; mark: string }) {
  const { broker } = live;
  if (broker === undefined) return <li class="node" />;
  const isOurs = broker.kind === "embedded";
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
            Stop by force
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
    </li>
  );
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
          : `number ${last.seq}, ${time(last.receivedMs)}${last.takenMs && last.receivedMs - last.takenMs > 3_000 ? `, taken ${time(last.takenMs)}` : ""}`}
        <br />
        on home/+/+
      </p>
    </li>
  );
}

import type { DeviceLive } from "../device-live.js";
import { duration } from "../format.js";
import type { Live } from "../live.js";
import type { Place } from "../tour/steps.js";
import { BrokerNode, SubscriberNode } from "./house-nodes.js";
import { PowerNode } from "./power-node.js";
import { Slider } from "./slider.js";
import { Switch } from "./switch.js";

interface ChainProps {
  readonly live: Live;
  readonly device: DeviceLive;
  /** The station that the tour is about. */
  readonly focus: Place | undefined;
}

/** The path of a sample, from the air to the subscriber; at each station the switches for its faults. */
export function Chain({ live, device, focus }: ChainProps) {
  const { state, passed } = device;
  const isOn = state.power === "on";
  const isUp = isOn && state.hasNetwork;
  const isServed = live.broker?.isRunning ?? false;
  const mark = (place: Place): string => (focus === place ? "focus" : "");
  return (
    <ol class="chain">
      <SensorNode live={live} device={device} mark={mark("sensor")} />
      <Way isOpen={isOn && state.isSensorThere} passed={passed.taken} />
      <PowerNode live={live} device={device} mark={mark("power")} />
      <Way isOpen={isUp && isServed} passed={passed.sent} />
      <li class={`node ${mark("wifi")} ${state.hasNetwork ? "" : "down"}`}>
        <h3>Wi-Fi</h3>
        <Switch
          name="Wi-Fi"
          isOn={state.hasNetwork}
          on="on"
          off="cut"
          onChange={(on) => live.act(device.id, { do: "network", on })}
        />
        <Switch
          name="Time server"
          isOn={state.hasTimeServer}
          on="on"
          off="off"
          title="A device that boots without a time server does not know the time; it dates its readings when the server is back"
          onChange={(on) => live.act(device.id, { do: "timeServer", on })}
        />
        <p class="says">{state.knowsTime ? "the device knows the time" : "readings are dated later"}</p>
      </li>
      <Way isOpen={isUp && isServed} passed={passed.sent} />
      <BrokerNode live={live} device={device} mark={mark("broker")} />
      <Way isOpen={live.broker?.isSubscribed ?? false} passed={passed.received} />
      <SubscriberNode live={live} device={device} mark={mark("subscriber")} />
    </ol>
  );
}

/** Between two stations: a dot runs along it with each message. */
function Way({ isOpen, passed }: { isOpen: boolean; passed: number }) {
  return (
    <li class={`way ${isOpen ? "open" : "closed"}`} aria-hidden="true">
      {passed > 0 && isOpen ? <i key={passed} /> : null}
    </li>
  );
}

function SensorNode({ live, device, mark }: { live: Live; device: DeviceLive; mark: string }) {
  const { id, state } = device;
  const { air } = state;
  const last = device.ledger.newest;
  const hasHumidity = last?.values?.humidity !== undefined;
  const hold = (quantity: "temperature" | "humidity") => (value: number | undefined) =>
    live.act(id, { do: "hold", quantity, value });
  return (
    <li class={`node ${mark} ${state.isSensorThere ? "" : "down"}`}>
      <h3>Sensor</h3>
      <Slider
        name="temperature"
        unit="°C"
        lowest={-10}
        highest={40}
        step={0.1}
        value={air.temperature}
        isHeld={air.holdsTemperature}
        onChange={hold("temperature")}
      />
      {hasHumidity ? (
        <Slider
          name="humidity"
          unit="%"
          lowest={0}
          highest={100}
          step={1}
          value={air.humidity}
          isHeld={air.holdsHumidity}
          onChange={hold("humidity")}
        />
      ) : last === undefined ? null : (
        <p class="says">
          This sensor measures no humidity; one that does: <code>--sensor sht3x</code>
        </p>
      )}
      <Switch
        name="Sensor"
        isOn={state.isSensorThere}
        on="plugged in"
        off="pulled out"
        onChange={(on) => live.act(id, { do: "sensor", on })}
      />
      <p class="says">a reading every {duration(state.intervalMs)}</p>
    </li>
  );
}

import { useEffect, useReducer, useState } from "preact/hooks";
import type { DeviceLive } from "../device-live.js";
import type { Live } from "../live.js";
import { Tour } from "../tour/tour.js";
import { TourBar } from "../tour/tour-bar.js";
import { Chain } from "./chain.js";
import { Counters } from "./counters.js";
import { FlashPanel } from "./flash.js";
import { Header } from "./header.js";
import { PlotPanel } from "./plot.js";
import { PromptPanel } from "./prompt.js";
import { WirePanel } from "./wire.js";

export function App({ live }: { live: Live }) {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const [tour] = useState(() => new Tour(live));
  useEffect(() => live.listen(() => redraw(0)), [live]);
  const { devices } = live;
  return (
    <>
      <a class="skip" href="#main">
        Skip to the device
      </a>
      <Header live={live} tour={tour} />
      <TourBar tour={tour} />
      <main id="main" class={devices.length > 1 ? "several" : "one"}>
        {devices.length === 0 ? <Waiting live={live} /> : null}
        {devices.map((device) => (
          <DeviceView key={device.id} live={live} device={device} tour={tour} isAlone={devices.length === 1} />
        ))}
      </main>
      <footer>
        The firmware is the one that runs on an ESP32. It knows nothing of this page: what you see is gathered at its
        flash, its sockets and its serial port. Nothing is loaded from anywhere but this computer.
      </footer>
    </>
  );
}

function Waiting({ live }: { live: Live }) {
  return (
    <p class="connecting" role="status">
      {live.link === "lost" ? "The process has ended. Start it again: this page goes on by itself." : "Connecting ..."}
    </p>
  );
}

interface DeviceViewProps {
  readonly live: Live;
  readonly device: DeviceLive;
  readonly tour: Tour;
  readonly isAlone: boolean;
}

function DeviceView({ live, device, tour, isAlone }: DeviceViewProps) {
  const { state, id } = device;
  return (
    <section class="device" aria-label={`The device in the ${state.room}`} data-device={id} data-power={state.power}>
      {isAlone ? null : <h2 class="room">{state.room}</h2>}
      <Counters device={device} />
      <Chain live={live} device={device} focus={tour.deviceId === id ? tour.focus : undefined} />
      <PlotPanel device={device} />
      <div class="panels">
        <FlashPanel device={device} />
        <WirePanel device={device} />
      </div>
      <PromptPanel live={live} device={device} />
    </section>
  );
}

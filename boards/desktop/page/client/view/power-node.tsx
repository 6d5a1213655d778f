import type { DeviceLive } from "../device-live.js";
import { count, duration } from "../format.js";
import type { Live } from "../live.js";
import { Switch } from "./switch.js";

const CAUSES: Readonly<Record<string, string>> = Object.freeze({
  power: "switched on",
  restart: "restarted",
  sleep: "woke up",
  crash: "crashed",
  watchdog: "watchdog",
  brownout: "brown-out",
  unknown: "not known",
});

/** The device itself: its power, its sleep, the cause of its last start. */
export function PowerNode({ live, device, mark }: { live: Live; device: DeviceLive; mark: string }) {
  const { id, state } = device;
  const isHere = state.engine === "node";
  const act = (action: Parameters<Live["act"]>[1]) => (): void => live.act(id, action);
  return (
    <li class={`node device-node ${mark} ${state.power}`}>
      <h3>
        Device <span class="power-state">{powerText(device)}</span>
      </h3>
      {state.power === "off" ? (
        <button type="button" class="plug on" data-do="powerOn" onClick={act({ do: "powerOn" })}>
          <Plug /> Power on
        </button>
      ) : (
        <div class="pair">
          <button type="button" class="plug" data-do="cut" disabled={!isHere} onClick={act({ do: "cut", when: "now" })}>
            <Plug /> Pull the plug
          </button>
          <button
            type="button"
            class="plug"
            data-do="cutInWrite"
            disabled={!isHere || state.isArmed}
            title="Cuts the power in the middle of the next write to flash, and of a byte"
            onClick={act({ do: "cut", when: "nextWrite" })}
          >
            {state.isArmed ? "... at the next write" : "In a write"}
          </button>
        </div>
      )}
      <div class="pair">
        <Switch
          name="Sleep"
          isOn={state.sleeps}
          on="between readings"
          off="never"
          isDisabled={!isHere || state.power === "off"}
          onChange={(on) => live.act(id, { do: "sleep", on })}
        />
        <button
          type="button"
          class="small"
          data-do="wake"
          disabled={state.power !== "asleep"}
          onClick={act({ do: "wake" })}
        >
          Wake
        </button>
        <button type="button" class="small" disabled={state.power !== "on" || !isHere} onClick={act({ do: "reset" })}>
          Reset
        </button>
      </div>
      <p class="says">
        {isHere ? null : "With --engine xs, power and sleep are not available here. "}
        boot {count(state.boots)} of this run
        {state.wakes > 0 ? `, ${count(state.wakes)} wakes` : ""}, {CAUSES[state.cause] ?? state.cause}
        {state.lastCut === undefined ? "" : `; last cut ${state.lastCut}`}
      </p>
    </li>
  );
}

function powerText({ state }: DeviceLive): string {
  const nowMs = Date.now();
  switch (state.power) {
    case "off":
      return "no power";
    case "asleep":
      return state.wakesAtMs === undefined
        ? "asleep"
        : `asleep, ${duration(Math.max(0, state.wakesAtMs - nowMs))} left`;
    case "on":
      return `up ${duration(Math.max(0, nowMs - state.bootedMs))}`;
    default:
      return state.power satisfies never;
  }
}

function Plug() {
  return (
    <svg viewBox="0 0 20 20" width="16" height="16" aria-hidden="true">
      <path
        d="M10 2v7M5.6 5.2a6.4 6.4 0 1 0 8.8 0"
        fill="none"
        stroke="currentColor"
        stroke-width="2.2"
        stroke-linecap="round"
      />
    </svg>
  );
}

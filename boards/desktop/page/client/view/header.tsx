import { useState } from "preact/hooks";
import type { Live } from "../live.js";
import { applyTheme, nextTheme, savedTheme } from "../theme.js";
import type { Tour } from "../tour/tour.js";

const LINK_TEXTS = Object.freeze({ connecting: "connecting", live: "live", lost: "process away: reconnecting" });

export function Header({ live, tour }: { live: Live; tour: Tour }) {
  const [theme, setTheme] = useState(savedTheme);
  const change = (): void => {
    const next = nextTheme(theme);
    applyTheme(next);
    setTheme(next);
  };
  return (
    <header class="top">
      <div class="title">
        <img src="/icon.svg" alt="" width="34" height="34" />
        <div>
          <h1>home-thermometer</h1>
          <p>cut its power, its Wi-Fi, its broker: it loses no reading</p>
        </div>
      </div>
      <div class="tools">
        <span class={`link ${live.link}`} role="status" data-link={live.link}>
          {LINK_TEXTS[live.link]}
        </span>
        <button type="button" class="quiet" onClick={change} title="light, dark, or as the system has it">
          theme: {theme === "system" ? "auto" : theme}
        </button>
        <button type="button" class="main" onClick={() => (tour.isRunning ? tour.stop() : tour.start())}>
          {tour.isRunning ? "Stop the tour" : "Take the tour, 60 s"}
        </button>
      </div>
    </header>
  );
}

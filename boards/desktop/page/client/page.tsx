/*
 * The page: shows a simulated thermometer live, with switches for power, Wi-Fi, broker and sleep.
 */
import "uplot/dist/uPlot.min.css";
import "@xterm/xterm/css/xterm.css";
import "./style/colours.css";
import "./style/base.css";
import "./style/chain.css";
import "./style/panels.css";
import { render } from "preact";
import { Live } from "./live.js";
import { applyTheme, savedTheme } from "./theme.js";
import { App } from "./view/app.js";

applyTheme(savedTheme());
render(<App live={new Live()} />, document.getElementById("app") as HTMLElement);

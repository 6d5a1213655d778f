/*
 * The panel of the simulated thermometer, run by the Moddable simulator (mcsim) beside the firmware: the device's face on one
 * side, controls on the other. The two exchange JSON, see ../panel.ts.
 * A power cut stops the firmware's machine at once, without notice to it. After OFF_MS the power is back.
 */
import { ButtonsRow, ControlsColumn, InfoRow, SliderRow, SwitchRow } from "ControlsPane";
import { DeviceBehavior, DeviceContainer, DeviceScreen } from "DevicePane";

const OFF_MS = 1500;
const TRACE_LENGTH = 150; // readings in the curve: one for two pixels
const LINE = 2; // pixels
const FULL_BAR = 60; // readings; a longer queue fills the bar

const WHITE = "#ffffff";
const INK = "#20303c";
const FAINT = "#8a98a3";
const GOOD = "#2f9e63";
const BAD = "#d0473a";
const IDLE = "#c3ccd2";
const BLUE = "#3d7edb";

const caseSkin = new Skin({ fill: WHITE });
const dotSkin = new Skin({ fill: [IDLE, GOOD, BAD] });
const barSkin = new Skin({ fill: [IDLE, BLUE] });
const topicStyle = new Style({ font: "semibold 14px Open Sans", color: FAINT, horizontal: "left" });
const valueStyle = new Style({ font: "light 56px Open Sans", color: [INK, IDLE], horizontal: "left" });
const readingStyle = new Style({ font: "13px Open Sans", color: [INK, IDLE], horizontal: "left" });
const textStyle = new Style({ font: "13px Open Sans", color: INK, horizontal: "left" });

const smallStyle = new Style({ font: "light 11px Open Sans", color: INK, horizontal: "left" });

const SMALL_LINE = 16; // pixels
const TROUBLE_LINES = 6;

const READS = "reads";
const NOTHING = {
  room: "",
  link: "",
  broker: "",
  sensor: "",
  waiting: 0,
  published: "",
  taken: undefined,
  humidity: undefined,
  asleep: 0,
};

class ThermometerBehavior extends DeviceBehavior {
  onCreate(container, device) {
    super.onCreate(container, device);
    this.view = { ...NOTHING };
    this.curve = [];
    this.controls = { wifi: true, sensor: true };
    this.isOn = true;
    this.fault = "";
  }

  onDisplaying(container) {
    container.interval = 50;
    container.duration = OFF_MS;
  }

  /** From the firmware. */
  onJSON(container, json) {
    if (!this.isOn) return; // sent before the power was cut
    if (json.started) this.postJSON(container, this.controls);
    if (json.fault) this.fault = json.fault;
    if (json.off) {
      this.cutPower(container);
      return;
    }
    Object.assign(this.view, json);
    if (typeof json.taken === "number") {
      this.curve.push(json.taken);
      if (this.curve.length > TRACE_LENGTH) this.curve.shift();
    }
    container.distribute("onView", this.view, this.curve);
    this.PUBLISHED.string = this.view.published;
    this.WAITING.string = String(this.view.waiting);
  }

  /** The firmware ended by a fault: a device would restart. */
  onAbort(container) {
    if (this.fault) this.stay(container);
    else if (this.isOn) this.cutPower(container);
    return true;
  }

  /** A restart would end the same way: shows why, and stays off. */
  stay(container) {
    this.isOn = false;
    container.distribute("onView", { ...NOTHING, sensor: this.fault, isFaulty: true }, this.curve);
  }

  cutPower(container) {
    this.isOn = false;
    this.isStopped = false;
    container.distribute("onView", { ...NOTHING, isOff: true, waiting: this.view.waiting }, this.curve);
    container.time = 0;
    container.start();
  }

  /** Stops the machine at the first tick, because it must not be stopped from within its own message. */
  onTimeChanged() {
    if (this.isStopped) return;
    this.isStopped = true;
    application.behavior.quitScreen();
  }

  onFinished(container) {
    container.stop();
    this.view = { ...NOTHING };
    this.isOn = true;
    application.behavior.launchScreen();
  }

  onCelsius(container, { value }) {
    this.turn(container, { celsius: value });
  }

  onPercent(container, { value }) {
    this.turn(container, { percent: value });
  }

  onWiFi(container, { value }) {
    this.turn(container, { wifi: value });
  }

  onSensor(container, { value }) {
    this.turn(container, { sensor: value });
  }

  /** The device's button, which wakes it. A key would not do: on Linux the simulator passes none on. */
  onButton(container) {
    this.turn(container, { button: true });
  }

  onCutNow(container) {
    this.cutPower(container);
  }

  onCutInWrite(container) {
    this.turn(container, { cut: "write" });
  }

  /** A control was moved. Sent at once; positions are sent again when the device has restarted. */
  turn(container, change) {
    if (change.cut === undefined && !change.button) Object.assign(this.controls, change);
    if (this.isOn) this.postJSON(container, change);
  }
}

class TextBehavior extends Behavior {
  onCreate(_label, data) {
    this.text = data.text;
  }
  onView(label, view) {
    label.string = this.text(view);
  }
}

/** A value that is not read any more is grey. */
class ValueBehavior extends TextBehavior {
  onView(label, view) {
    super.onView(label, view);
    label.state = view.sensor === READS ? 0 : 1;
  }
}

class DotBehavior extends Behavior {
  onCreate(_content, data) {
    this.state = data.state;
  }
  onView(content, view) {
    content.state = this.state(view);
  }
}

class BarBehavior extends Behavior {
  onView(bar, { waiting }) {
    bar.first.width = Math.round((bar.width * Math.min(waiting, FULL_BAR)) / FULL_BAR);
  }
}

class CurveBehavior extends Behavior {
  onCreate() {
    this.curve = [];
  }
  onView(port, _view, curve) {
    this.curve = curve;
    port.invalidate();
  }
  onDraw(port) {
    const { curve } = this;
    if (curve.length === 0) return;
    const middle = (Math.min(...curve) + Math.max(...curve)) / 2;
    const span = Math.max(1, Math.max(...curve) - Math.min(...curve)); // °C
    const step = port.width / TRACE_LENGTH;
    const height = (celsius) => Math.round((0.5 - (celsius - middle) / span) * (port.height - LINE));
    for (let i = 0, before = height(curve[0]); i < curve.length; i++) {
      const y = height(curve[i]);
      port.fillColor(BLUE, Math.round(i * step), Math.min(y, before), LINE, Math.abs(y - before) + LINE);
      before = y;
    }
  }
}

const label = (style, height, text) => Label({ text }, { left: 0, right: 0, height, style, Behavior: TextBehavior });
const line = (text) => label(textStyle, 20, text);
/** A value of the last sample as text; a dash if the sample does not have it. */
const figure = (value, digits, unit) => (typeof value === "number" ? `${value.toFixed(digits)} ${unit}` : "–");
const dot = (state) => Content({ state }, { width: 10, height: 10, skin: dotSkin, Behavior: DotBehavior });
/** A row with a dot: grey if `value` is empty, green if it is `good`, otherwise red. */
const lamp = (value, good, text) => {
  const state = (view) => (value(view) === good ? 1 : value(view) ? 2 : 0);
  const contents = [dot(state), Content(null, { width: 8 }), line(text)];
  return Row(null, { left: 0, right: 0, height: 22, contents });
};
/** "waiting" of "waiting: refused": a row has no place for the reason. */
const stateOf = (broker) => broker.split(": ", 1)[0];
const reasonOf = (broker) => broker.slice(stateOf(broker).length + 2);
/** What is wrong, in whole sentences: first with the sensor, then with the broker. Cut to the lines that fit. */
const trouble = (view) =>
  [view.sensor === READS ? "" : view.sensor, reasonOf(brokerOf(view))].filter((text) => text !== "").join("\n");
const title = ({ isFaulty, isOff, asleep, room }) => {
  if (isFaulty) return "cannot start";
  if (isOff) return "no power";
  if (asleep) return `asleep for ${(asleep / 1000).toFixed(1)} s; its button wakes it`;
  return room ? `home/${room}/temperature` : "starting";
};
/** Link and broker are disconnected before a sleep, so their last states are not shown. */
const linkOf = ({ asleep, link }) => (asleep ? "" : link);
const brokerOf = ({ asleep, broker }) => (asleep ? "" : broker);
const Face = Container.template(($) => ({
  width: 290,
  height: 380,
  skin: caseSkin,
  contents: [
    Column(null, {
      left: 16,
      right: 16,
      top: 8,
      contents: [
        label(topicStyle, 22, title),
        Label(
          { text: ({ taken }) => figure(taken, 2, "°C") },
          { left: 0, right: 0, height: 64, style: valueStyle, Behavior: ValueBehavior },
        ),
        Label(
          { text: ({ humidity }) => `humidity: ${figure(humidity, 1, "%")}` },
          { left: 0, right: 0, height: 20, style: readingStyle, Behavior: ValueBehavior },
        ),
        Port(null, { left: 0, right: 0, height: 40, bottom: 4, Behavior: CurveBehavior }),
        line(({ published }) => `published: ${published || "nothing yet"}`),
        line(({ waiting }) => `outbox: ${waiting} waiting`),
        Container(null, {
          ...{ left: 0, right: 0, height: 10, top: 2, bottom: 4 },
          skin: barSkin,
          Behavior: BarBehavior,
          contents: [Content(null, { left: 0, top: 0, bottom: 0, width: 0, skin: barSkin, state: 1 })],
        }),
        lamp(linkOf, "up", (view) => `Wi-Fi: ${linkOf(view)}`),
        lamp(brokerOf, "connected", (view) => `broker: ${stateOf(brokerOf(view))}`),
        lamp(
          ({ sensor }) => sensor,
          READS,
          ({ sensor, isFaulty }) =>
            isFaulty ? "trouble:" : `sensor: ${sensor === READS || !sensor ? sensor : "fails"}`,
        ),
        Text(
          { text: trouble },
          { left: 18, right: 0, height: TROUBLE_LINES * SMALL_LINE, style: smallStyle, Behavior: TextBehavior },
        ),
      ],
    }),
    DeviceScreen($, { left: 0, width: 0, top: 0, height: 0, rotation: 0 }),
  ],
}));

export default {
  applicationName: ".*",
  title: "Thermometer",
  Workers: {},
  ControlsTemplate: ControlsColumn.template(() => ({
    contents: [
      SliderRow({
        event: "onCelsius",
        track: "onCelsius",
        label: "Temperature",
        min: -20,
        max: 50,
        step: 0.5,
        unit: "°",
        value: 21,
      }),
      SliderRow({
        event: "onPercent",
        track: "onPercent",
        label: "Humidity",
        min: 0,
        max: 100,
        step: 1,
        unit: "%",
        value: 50,
      }),
      SwitchRow({ event: "onWiFi", label: "Wi-Fi", on: "on the air", off: "off", value: true }),
      SwitchRow({ event: "onSensor", label: "Sensors", on: "plugged in", off: "unplugged", value: true }),
      ButtonsRow({ label: "Button", buttons: [{ event: "onButton", label: "Wake" }] }),
      ButtonsRow({
        label: "Cut the power",
        buttons: [
          { event: "onCutNow", label: "Now" },
          { event: "onCutInWrite", label: "In a write" },
        ],
      }),
      InfoRow({ name: "WAITING", label: "Outbox", value: "" }),
      InfoRow({ name: "PUBLISHED", label: "Published", value: "" }),
    ],
  })),
  DeviceTemplates: {
    0: DeviceContainer.template(($) => ({ Behavior: ThermometerBehavior, contents: [Face($)] })),
  },
};

/*
 * The client that browsers use, improv-wifi-serial-sdk, at the prompt's port: while a person is typing there, too.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Settings } from "../../src/settings/settings.js";
import { publishedClient, WebSerial } from "./browser/web-serial.js";
import { Device } from "./support/device.js";

const { ImprovSerial } = await publishedClient();
const PROVISIONED = 4;
const silent = { log: () => {}, error: () => {}, debug: () => {} };

let port: WebSerial;
let device: Device;
let client: InstanceType<typeof ImprovSerial>;
let states: number[];

beforeEach(() => {
  port = new WebSerial();
  device = new Device({ improv: "offered", onWritten: port.onWritten });
  port.plug(device);
  device.networks = [
    { ssid: "home", rssi: -50, secured: true },
    { ssid: "Küche", rssi: -70, secured: false },
  ];
  client = new ImprovSerial(port as never, silent as never);
  states = [];
  client.addEventListener("state-changed", (event) => states.push((event as CustomEvent<number>).detail));
});

afterEach(async () => {
  await client.close();
  port.unplug();
});

describe("improv-wifi-serial-sdk", () => {
  test("finds the device, its networks, and provisions it", async () => {
    const info = await client.initialize();
    expect(info).toMatchObject({
      firmware: "home-thermometer",
      version: "1.0.0",
      chipFamily: "test board",
      name: "livingroom",
    });
    expect(await client.scan()).toEqual([
      { name: "home", rssi: -50, secured: true },
      { name: "Küche", rssi: -70, secured: false },
    ]);
    await client.provision("home", "correct horse");
    expect(states.slice(-2)).toEqual([3, PROVISIONED]);
    expect(client.nextUrl).toBe("http://192.168.1.20");
    expect(client.error).toBe(0);
    const kept = new Settings({ store: device.store });
    expect([kept.get("wifi.ssid"), kept.get("wifi.password")]).toEqual(["home", "correct horse"]);
  });

  test("a wrong password is an error with a name, and the right one is taken then", async () => {
    await client.initialize();
    device.accepts = false;
    await expect(client.provision("home", "wrong horse")).rejects.toThrow();
    expect(client.error).toBe(3);
    device.accepts = true;
    await client.provision("home", "correct horse");
    expect(client.state).toBe(PROVISIONED);
  });

  test("hostname, device name and network state", async () => {
    await client.initialize();
    expect(await client.setDeviceName("attic")).toBe("attic");
    expect(await client.setHostname("attic-1")).toBe("attic-1");
    expect(await client.getHostname()).toBe("attic-1");
    await expect(client.setHostname("no host name")).rejects.toBeDefined();
    expect(await client.requestNetworkState()).toMatchObject({ online: false, supportsWifi: true });
  });

  test("while a person types and log lines appear, neither loses characters", async () => {
    device.type("set room at");
    const log = setInterval(() => device.console.log("info", "home/kitchen/temperature 21.44"), 3);
    try {
      await client.initialize();
      await client.scan();
      await client.provision("home", "correct horse");
    } finally {
      clearInterval(log);
    }
    expect(client.state).toBe(PROVISIONED);
    device.type("tic\r");
    expect(device.settings.staged()).toEqual(["room"]);
    expect(device.settings.state("room").staged).toBe("attic");
  });
});

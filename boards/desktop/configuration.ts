/*
 * The settings in force for a simulated device: those of its chip, overridden by the command line, and the broker that they name.
 */
import { readFileSync } from "node:fs";
import type { Board } from "../../src/board.js";
import { messageOf } from "../../src/common/message-of.js";
import { referenceTo } from "../../src/settings/long-values.js";
import { Settings } from "../../src/settings/settings.js";
import { brokerPort } from "../../src/thermometer/broker/address.js";
import { fromPEM, type PEMKind } from "../../src/tls/pem.js";
import type { Chip } from "./chip.js";
import type { BrokerAddress } from "./network/subscriber.js";
import { checkCredentials } from "./network/tls.js";
import { type Options, UsageError } from "./options/options.js";

export type Credentials = NonNullable<Board["credentials"]>;

/** Contents of the files named on the command line. @throws UsageError */
export function readCredentials(options: Options): Credentials {
  const read = (option: "ca" | "cert" | "key", kind: PEMKind): Uint8Array | undefined => {
    const path = options[option];
    try {
      return path === undefined ? undefined : fromPEM(readFileSync(path, "latin1"), kind);
    } catch (error) {
      throw new UsageError(`--${option} ${path}: ${messageOf(error)}`);
    }
  };
  const given = {
    ca: read("ca", "CERTIFICATE"),
    certificate: read("cert", "CERTIFICATE"),
    key: read("key", "PRIVATE KEY"),
  };
  try {
    checkCredentials(given);
  } catch (error) {
    throw new UsageError(`--ca, --cert, --key: cannot be used: ${messageOf(error)}`);
  }
  return given;
}

/** One device's. */
export class Configuration {
  /** Of this run, given while it runs. */
  readonly later: Record<string, string> = {};
  /** Settings that lead to the embedded broker, if there is one. */
  embedded: Readonly<Record<string, string>> | undefined;
  #hasSavedBroker = false;
  readonly #chip: Chip;
  readonly #credentials: Credentials;
  readonly #given: Readonly<Record<string, string>>;
  readonly #defaults: Readonly<Record<string, string>>;

  /** `given`: settings on the command line; `defaults`: used where nothing is saved. */
  constructor(
    chip: Chip,
    credentials: Credentials,
    given: Readonly<Record<string, string>>,
    defaults: Readonly<Record<string, string>>,
  ) {
    this.#chip = chip;
    this.#credentials = credentials;
    this.#given = given;
    this.#defaults = defaults;
  }

  /** Whether the command line or the chip names a broker. For a chip without power, which cannot be read, the last answer. */
  get namesBroker(): boolean {
    if (this.#given["mqtt.host"] !== undefined) return true;
    if (this.#chip.supply.isOn) this.#hasSavedBroker = this.#settings({}).get("mqtt.host") !== "";
    return this.#hasSavedBroker;
  }

  /** Settings that override saved ones in the next life; the embedded broker only until another broker is saved. */
  overrides(): Record<string, string> {
    return { ...(this.namesBroker ? {} : this.embedded), ...this.#given, ...this.later, ...this.#files() };
  }

  inForce(): Settings {
    return this.#settings(this.overrides());
  }

  broker(): BrokerAddress {
    const settings = this.inForce();
    const host = settings.get("mqtt.host");
    const demand = {
      get ca() {
        return settings.bytes("mqtt.ca");
      },
      get certificate() {
        return settings.bytes("mqtt.cert");
      },
      get key() {
        return settings.bytes("mqtt.key");
      },
      fingerprint: settings.get("mqtt.fingerprint"),
      name: settings.get("mqtt.name") || host,
      session: undefined,
      onHandshake: () => {},
      onSecured: () => {},
      onRefused: () => {}, // the thermometer itself reports the broker
    };
    return {
      host,
      port: brokerPort(settings),
      demand: settings.get("mqtt.tls") ? demand : undefined,
      credentials: `${settings.get("mqtt.ca")}, ${settings.get("mqtt.cert")}, ${settings.get("mqtt.key")}`,
      user: settings.get("mqtt.user"),
      password: settings.get("mqtt.password"),
    };
  }

  #settings(overrides: Record<string, string>): Settings {
    const { ca, certificate, key } = this.#credentials;
    const given = { "mqtt.ca": ca, "mqtt.cert": certificate, "mqtt.key": key };
    return new Settings({
      store: this.#chip.settings(),
      defaults: this.#defaults,
      overrides,
      given: (name) => given[name],
    });
  }

  /** The files of the command line, as the settings refer to them. */
  #files(): Record<string, string> {
    const { ca, certificate, key } = this.#credentials;
    const given = Object.entries({ "mqtt.ca": ca, "mqtt.cert": certificate, "mqtt.key": key });
    return Object.fromEntries(
      given.flatMap(([name, bytes]) => (bytes === undefined ? [] : [[name, referenceTo(bytes)]])),
    );
  }
}

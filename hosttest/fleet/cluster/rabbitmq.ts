/*
 * Three nodes of RabbitMQ, each on its own simulated host, as one cluster behind HAProxy; hosttest/peers.md describes how to run it.
 */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { rabbitMQEnvironment, withEpmdCommand } from "../../peers/debian.js";
import { folderIn } from "../../peers/peer.js";
import { top } from "../../support/bundle.mjs";
import { run } from "../../support/processes/commands.js";
import { accepts } from "../../support/processes/ports.js";
import { Service } from "../../support/processes/service.js";
import { type Host, OWN_ADDRESS } from "./namespaces.js";

const COOKIE = "FLEETCOOKIE";
const MQTT_PORT = 1883;
/** In this network alone. */
const ANYBODY = "anonymous_login_user = guest\nanonymous_login_pass = guest\nloopback_users = none\n";
const CONFIGURATION = join(top, "hosttest/fleet/cluster");

export class Node {
  readonly host: Host;
  readonly #root: string;
  readonly #folder: string;
  readonly #service: Service;

  /** `hosts`: of the whole cluster. */
  constructor(root: string, folder: string, host: Host, hosts: readonly Host[]) {
    this.host = host;
    this.#root = root;
    this.#folder = folderIn(folder, host.name);
    const nodes = hosts.map(({ address }, i) => `cluster_formation.classic_config.nodes.${i + 1} = rabbit@${address}`);
    const shared = readFileSync(join(CONFIGURATION, "rabbitmq.conf"), "utf8");
    const own = `mqtt.listeners.tcp.1 = ${host.address}:${MQTT_PORT}\n${ANYBODY}`;
    writeFileSync(join(this.#folder, "rabbitmq.conf"), `${shared}${nodes.join("\n")}\n${own}`);
    writeFileSync(join(this.#folder, "enabled_plugins"), "[rabbitmq_mqtt].\n");
    const { command, words } = host.launch(root, this.#folder, "sh", [
      "-c",
      withEpmdCommand(this.#folder, "/usr/lib/rabbitmq/bin/rabbitmq-server"),
    ]);
    this.#service = new Service(`RabbitMQ on ${host.name}`, command, words, this.#environment);
    const cookie = join(folderIn(this.#folder, "home"), ".erlang.cookie");
    writeFileSync(cookie, COOKIE);
    chmodSync(cookie, 0o400);
  }

  get #environment(): Record<string, string> {
    return {
      ...rabbitMQEnvironment(this.#folder),
      RABBITMQ_USE_LONGNAME: "true",
      RABBITMQ_NODENAME: `rabbit@${this.host.address}`,
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "+S 1:1 +sbwt none",
    };
  }

  /** Resolves when it accepts connections. */
  start(): Promise<void> {
    return this.#service.start(() => accepts(MQTT_PORT, this.host.address));
  }

  kill(): Promise<void> {
    return this.#service.kill();
  }

  /** Output of `rabbitmqctl`. @throws Error with its output */
  async control(words: readonly string[]): Promise<string> {
    // Not Debian's wrapper, which changes to a user with another cookie.
    const launch = this.host.launch(this.#root, this.#folder, "/usr/lib/rabbitmq/bin/rabbitmqctl", words);
    const { code, output } = await run(launch.command, launch.words, this.#environment);
    if (code !== 0) throw new Error(`rabbitmqctl ${words.join(" ")}: ${output.slice(-500)}`);
    return output;
  }
}

/** The balancer, which the devices and subscribers know as the broker. */
export class Balancer {
  readonly host = OWN_ADDRESS;
  readonly port = MQTT_PORT;
  readonly #service: Service;
  readonly #control: string;

  constructor(folder: string, hosts: readonly Host[]) {
    const file = join(folder, "haproxy.cfg");
    this.#control = join(folder, "haproxy.sock");
    const servers = hosts.map(({ name, address }) => `  server ${name} ${address}:${MQTT_PORT} check`);
    const shared = readFileSync(join(CONFIGURATION, "haproxy.cfg"), "utf8");
    const socket = `\nglobal\n  stats socket ${this.#control} mode 600 level admin\n`;
    writeFileSync(file, `${shared.trimEnd()}\n${servers.join("\n")}\n${socket}`);
    this.#service = new Service("HAProxy", "haproxy", ["-f", file]);
  }

  start(): Promise<void> {
    return this.#service.start(() => accepts(this.port, this.host));
  }

  stop(): Promise<void> {
    return this.#service.kill();
  }

  /** By host name: the current number of connections, and whether HAProxy considers the host up. */
  async spread(): Promise<Map<string, { readonly connections: number; readonly isUp: boolean }>> {
    // Sometimes it closes the connection before the request: the next call gets an answer.
    const [head, ...lines] = (await this.#ask("show stat").catch(() => "")).replace(/^# /, "").trim().split("\n");
    const names = head.split(",");
    const cell = (line: string, name: string): string => line.split(",")[names.indexOf(name)];
    return new Map(
      lines
        .filter((line) => cell(line, "svname").startsWith("host"))
        .map((line) => [
          cell(line, "svname"),
          { connections: Number(cell(line, "scur")), isUp: cell(line, "status").startsWith("UP") },
        ]),
    );
  }

  #ask(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let answer = "";
      connect(this.#control)
        .on("error", reject)
        .on("data", (bytes) => {
          answer += bytes;
        })
        .on("end", () => resolve(answer))
        .end(`${command}\n`);
    });
  }
}

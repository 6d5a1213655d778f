/*
 * Brokers that the package registries have: npm, PyPI, Maven, the Go module proxy, crates.io. Each is pinned, and fetched into a folder
 * of its own.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startAedes } from "../chaos/brokers.js";
import { top } from "../support/bundle.mjs";
import { commandFile, run } from "../support/processes/commands.js";
import { freePort } from "../support/processes/ports.js";
import type { Launch, Peer, Program } from "./peer.js";

const VERSIONS = { amqtt: "0.12.1", hivemq: "2025.5", mochi: "2.7.9", rumqttd: "0.20.0" };
const FETCH = "npm run peers -- --get";

export const aedes: Peer = {
  name: "aedes",
  get: "npm ci (a development dependency of this repository)",
  configured: "in this process; what it knows lives in memory and is kept while it is away; a kill is a stop",
  find: async () => {
    const { version } = JSON.parse(readFileSync(join(top, "node_modules/aedes/package.json"), "utf8"));
    const start = async () => {
      const broker = await startAedes();
      return { ...broker, port: broker.port, observerPort: broker.port };
    };
    return { version, start };
  },
};

export const amqtt: Peer = fetched({
  name: "amqtt",
  version: VERSIONS.amqtt,
  get: `PyPI: ${FETCH} (Python 3.10 or later)`,
  file: "bin/amqtt",
  async fetch(folder) {
    await succeed("python3", ["-m", "venv", folder]);
    await succeed(join(folder, "bin/pip"), ["install", "--quiet", `amqtt==${VERSIONS.amqtt}`]);
  },
  async launch(command, folder, port) {
    const file = join(folder, "amqtt.yaml");
    writeFileSync(
      file,
      `listeners:
  default: {type: tcp, bind: "127.0.0.1:${port}"}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin: {allow_anonymous: true}
`,
    );
    return { command, words: ["-c", file] };
  },
});

export const hiveMQ: Peer = fetched({
  name: "HiveMQ CE",
  version: VERSIONS.hivemq,
  get: `Maven, com.hivemq:hivemq-community-edition-embedded: ${FETCH} (JDK 17 and Maven: apt-get install openjdk-17-jdk-headless maven)`,
  file: "HiveMQ.java",
  async fetch(folder) {
    writeFileSync(
      join(folder, "pom.xml"),
      `<project><modelVersion>4.0.0</modelVersion><groupId>peers</groupId><artifactId>peers</artifactId><version>1</version>
<dependencies><dependency><groupId>com.hivemq</groupId><artifactId>hivemq-community-edition-embedded</artifactId>
<version>${VERSIONS.hivemq}</version></dependency></dependencies></project>
`,
    );
    const words = ["-q", "-B", "-f", join(folder, "pom.xml"), "dependency:copy-dependencies"];
    await succeed("mvn", [...words, `-DoutputDirectory=${join(folder, "lib")}`]);
    copyFileSync(join(top, "hosttest/peers/HiveMQ.java"), join(folder, "HiveMQ.java"));
  },
  async launch(command, folder, port) {
    writeFileSync(
      join(folder, "config.xml"),
      `<?xml version="1.0"?>
<hivemq><listeners><tcp-listener><port>${port}</port><bind-address>127.0.0.1</bind-address></tcp-listener></listeners>
<anonymous-usage-statistics><enabled>false</enabled></anonymous-usage-statistics></hivemq>
`,
    );
    for (const name of ["data", "extensions"]) mkdirSync(join(folder, name));
    const path = join(command, "..", "lib", "*");
    return { command: "java", words: ["-Xmx512m", "-cp", path, command, folder], environment: { HIVEMQ_HOME: folder } };
  },
});

export const mochi: Peer = fetched({
  name: "mochi-mqtt",
  version: VERSIONS.mochi,
  get: `the Go module proxy, github.com/mochi-mqtt/server/v2/cmd/docker: ${FETCH} (Go 1.21 or later)`,
  configured: "its storage in bolt, in a file",
  file: "docker",
  async fetch(folder) {
    const go = commandFile("go");
    if (go === undefined) throw new Error("Go is not installed");
    const environment = { GOBIN: folder, CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOFLAGS: "" };
    await succeed(go, ["install", `github.com/mochi-mqtt/server/v2/cmd/docker@v${VERSIONS.mochi}`], environment);
  },
  async launch(command, folder, port) {
    const file = join(folder, "mochi.yaml");
    writeFileSync(
      file,
      `listeners:
  - {type: tcp, id: peer, address: "127.0.0.1:${port}"}
hooks:
  storage: {bolt: {path: "${join(folder, "mochi.db")}"}}
  auth: {allow_all: true}
logging: {level: WARN}
`,
    );
    return { command, words: ["-config", file] };
  },
});

/** It has a port for each version of MQTT: one row of the catalogue each. */
export function rumqttd(version: "3.1.1" | "5"): Peer {
  return fetched({
    name: `rumqttd, its port for ${version}`,
    folder: "rumqttd",
    version: VERSIONS.rumqttd,
    get: `crates.io: ${FETCH} (Rust 1.70 or later)`,
    file: "bin/rumqttd",
    async fetch(folder) {
      // Not --locked: its own lock file has a metrics 0.22.1 that Rust 1.95 does not take.
      await succeed("cargo", ["install", "--quiet", "--root", folder, `rumqttd@${VERSIONS.rumqttd}`]);
    },
    async launch(command, folder, port) {
      const other = await freePort();
      const ports = version === "5" ? { v4: other, v5: port } : { v4: port, v5: other };
      const listener = (name: "v4" | "v5"): string => `[${name}.1]
name = "${name}"
listen = "127.0.0.1:${ports[name]}"
next_connection_delay_ms = 1
[${name}.1.connections]
connection_timeout_ms = 60000
max_payload_size = 20480
max_inflight_count = 100
dynamic_filters = true
`;
      const file = join(folder, "rumqttd.toml");
      writeFileSync(
        file,
        `id = 0
[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
${listener("v4")}${listener("v5")}`,
      );
      return { command, words: ["-c", file], observerPort: ports.v4 };
    },
  });
}

interface Fetched {
  readonly name: string;
  readonly version: string;
  readonly get: string;
  readonly configured?: string;
  /** Its folder's name, where several rows are of one program. */
  readonly folder?: string;
  /** The program, below its folder. */
  readonly file: string;
  fetch(folder: string): Promise<void>;
  launch(command: string, folder: string, port: number): Promise<Launch>;
}

function fetched({ name, version, get, configured, folder = name, file, fetch, launch }: Fetched): Peer {
  const home = `${folder.replaceAll(" ", "-").toLowerCase()}-${version}`;
  return {
    name,
    get,
    configured,
    find: async ({ fetched: all }): Promise<Program | undefined> => {
      const command = join(all, home, file);
      if (!existsSync(command)) return undefined;
      return { version, launch: (data, port) => launch(command, data, port) };
    },
    fetch: async (all) => {
      const target = join(all, home);
      mkdirSync(target, { recursive: true });
      await fetch(target);
    },
  };
}

async function succeed(
  command: string,
  words: readonly string[],
  environment?: Readonly<Record<string, string>>,
): Promise<void> {
  const { code, output } = await run(command, words, environment);
  if (code !== 0) throw new Error(`${command} ${words.join(" ")}: ${output.slice(-1000)}`);
}

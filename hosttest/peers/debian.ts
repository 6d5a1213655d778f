/*
 * Brokers from Debian: those of this machine, and those of other releases, each below its own folder.
 */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../support/processes/commands.js";
import { freePort } from "../support/processes/ports.js";
import { below, folderIn, type Launch, type Peer, type Places, type Program } from "./peer.js";

const SID = "mmdebstrap --variant=minbase --include=mosquitto,rabbitmq-server,ejabberd sid FOLDER, and --root FOLDER";
const RABBITMQ = "usr/lib/rabbitmq/lib";
const LIBRARIES = "usr/lib/x86_64-linux-gnu";

/** `release`: how its version begins. */
export function mosquitto(release: string, get = SID): Peer {
  return {
    name: `mosquitto ${release}`,
    get,
    configured:
      "`autosave_on_changes true`, `autosave_interval 1`: it saves within a second; `max_queued_messages 1000000`",
    find: ({ roots }) =>
      first(roots, release, async (root) => {
        if (!existsSync(join(root, "usr/sbin/mosquitto"))) return undefined;
        const { command, words } = below(root, "/tmp", "/usr/sbin/mosquitto", ["-h"]);
        const { output } = await run(command, words);
        return /^mosquitto version (\S+)/m.exec(output)?.[1];
      }).then((found) => found && { version: found.version, launch: launchMosquitto(found.root) }),
  };
}

function launchMosquitto(root: string): Program["launch"] {
  return async (folder, port) => {
    const file = join(folder, "mosquitto.conf");
    writeFileSync(
      file,
      `listener ${port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location ${folder}/
autosave_on_changes true
autosave_interval 1
max_queued_messages 1000000
`,
    );
    return below(root, folder, "/usr/sbin/mosquitto", ["-c", file]);
  };
}

export function rabbitMQ(release: string): Peer {
  return {
    name: `RabbitMQ ${release}`,
    get: SID,
    find: (places) =>
      rabbitMQRoot(places, release).then(
        (found) => found && { version: found.version, launch: launchRabbitMQ(found.root) },
      ),
  };
}

/** The root folder of a RabbitMQ of this release, and its version. */
export function rabbitMQRoot(
  { roots }: Places,
  release: string,
): Promise<{ root: string; version: string } | undefined> {
  return first(roots, release, async (root) => versionIn(join(root, RABBITMQ), /^rabbitmq_server-(.+)$/));
}

function launchRabbitMQ(root: string): Program["launch"] {
  return async (folder, port) => {
    const [epmdPort, distributionPort] = [await freePort(), await freePort()];
    writeFileSync(
      join(folder, "rabbitmq.conf"),
      `listeners.tcp = none
mqtt.listeners.tcp.1 = 127.0.0.1:${port}
anonymous_login_user = guest
anonymous_login_pass = guest
`,
    );
    writeFileSync(join(folder, "enabled_plugins"), "[rabbitmq_mqtt].\n");
    const environment = {
      ...rabbitMQEnvironment(folder),
      ERL_EPMD_ADDRESS: "127.0.0.1",
      ERL_EPMD_PORT: `${epmdPort}`,
      RABBITMQ_NODENAME: "peer@localhost",
      RABBITMQ_DIST_PORT: `${distributionPort}`,
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none",
    };
    return withEpmd(root, folder, "/usr/lib/rabbitmq/bin/rabbitmq-server", environment);
  };
}

/** All that a node of RabbitMQ writes is below `folder`. */
export function rabbitMQEnvironment(folder: string): Record<string, string> {
  return {
    HOME: folderIn(folder, "home"),
    LANG: "C.UTF-8",
    RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "enabled_plugins"),
    RABBITMQ_MNESIA_BASE: folderIn(folder, "data"),
    RABBITMQ_LOG_BASE: folderIn(folder, "logs"),
    RABBITMQ_PID_FILE: join(folder, "pid"),
    RABBITMQ_CONF_ENV_FILE: "/dev/null",
  };
}

export function ejabberd(release: string): Peer {
  return {
    name: `ejabberd ${release}`,
    get: SID,
    find: ({ roots }) =>
      first(roots, release, async (root) => versionIn(join(root, LIBRARIES), /^ejabberd-(.+)$/)).then(
        (found) => found && { version: found.version, launch: launchEjabberd(found.root) },
      ),
  };
}

function launchEjabberd(root: string): Program["launch"] {
  return async (folder, port) => {
    const [epmdPort, distributionPort] = [await freePort(), await freePort()];
    writeFileSync(
      join(folder, "ejabberd.yml"),
      `hosts: [localhost]
listen:
  - port: ${port}
    ip: "127.0.0.1"
    module: mod_mqtt
auth_method: [anonymous]
anonymous_protocol: login_anon
allow_multiple_connections: true
modules:
  mod_mqtt: {}
`,
    );
    const database = folderIn(folder, "database");
    const erlang = [
      "exec erl -noinput -sname peer@localhost -setcookie peer",
      "-kernel inet_dist_use_interface '{127,0,0,1}'",
      `inet_dist_listen_min ${distributionPort} inet_dist_listen_max ${distributionPort}`,
      `-mnesia dir '"${database}"' -pa $(ls -d /usr/lib/*/ejabberd-*/ebin)`,
      `-ejabberd config '"${folder}/ejabberd.yml"' log_path '"${folder}/ejabberd.log"' -s ejabberd`,
    ].join(" ");
    const environment = {
      HOME: folder,
      ERL_EPMD_ADDRESS: "127.0.0.1",
      ERL_EPMD_PORT: `${epmdPort}`,
      EJABBERD_BYPASS_WARNINGS: "true",
    };
    return withEpmd(root, folder, erlang, environment);
  };
}

/** Erlang's port mapper in the same process group, so that it ends with the broker. */
export function withEpmd(
  root: string,
  folder: string,
  command: string,
  environment: Readonly<Record<string, string>>,
): Launch {
  return { ...below(root, folder, "sh", ["-c", withEpmdCommand(folder, command)]), environment };
}

export function withEpmdCommand(folder: string, command: string): string {
  return `cd ${folder}; epmd & ${command}`;
}

/** The first of the roots that has a version of this release. */
async function first(
  roots: readonly string[],
  release: string,
  versionBelow: (root: string) => Promise<string | undefined>,
): Promise<{ root: string; version: string } | undefined> {
  for (const root of roots) {
    const version = await versionBelow(root);
    if (version?.startsWith(release)) return { root, version };
  }
  return undefined;
}

function versionIn(folder: string, name: RegExp): string | undefined {
  if (!existsSync(folder)) return undefined;
  return readdirSync(folder).flatMap((entry) => name.exec(entry)?.[1] ?? [])[0];
}

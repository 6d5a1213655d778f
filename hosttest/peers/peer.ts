/*
 * An outside broker, as `npm run peers` uses it: found on this machine, started on loopback in its own folder, stopped,
 * killed, and started again with the data that it has saved.
 */
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { RealBroker } from "../chaos/brokers.js";
import { accepts, freePort } from "../support/processes/ports.js";
import { Service } from "../support/processes/service.js";
import { removeFolder, temporaryFolder } from "../support/temporary.js";

/** Where brokers are looked for. */
export interface Places {
  /** Folders with a Debian of another release below them. "/" is this machine's own. */
  readonly roots: readonly string[];
  /** Downloads of `--get`: a folder for each broker. */
  readonly fetched: string;
}

/** How it is started. */
export interface Launch {
  readonly command: string;
  readonly words: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Its port for subscribers, if they need another version of MQTT. */
  readonly observerPort?: number;
}

/** An installed broker. */
export interface Program {
  readonly version: string;
  /** Runs as a process: writes its configuration into the empty `folder`, for `port` of the loopback interface. */
  launch(folder: string, port: number): Promise<Launch>;
}

/** One that lives in this process. */
export interface Embedded {
  readonly version: string;
  start(): Promise<PeerBroker>;
}

/** A row of the catalogue. */
export interface Peer {
  readonly name: string;
  /** How to get it from public sources. */
  readonly get: string;
  /** Its configuration, if it is not the default. */
  readonly configured?: string;
  find(places: Places): Promise<Program | Embedded | undefined>;
  /** Downloads it into a folder, if a package registry has it. @throws Error with the installer's output */
  fetch?(folder: string): Promise<void>;
}

export interface PeerBroker extends RealBroker {
  /** Where a subscriber of 3.1.1 connects. */
  readonly observerPort: number;
}

export async function startPeer(name: string, program: Program | Embedded): Promise<PeerBroker> {
  if ("start" in program) return program.start();
  const folder = temporaryFolder("peer-");
  chmodSync(folder, 0o777); // mosquitto, started as root, drops root before it opens its files
  const port = await freePort();
  const launch = await program.launch(folder, port);
  const service = new Service(name, launch.command, launch.words, launch.environment);
  const observerPort = launch.observerPort ?? port;
  const start = (): Promise<void> => service.start(async () => (await accepts(port)) && accepts(observerPort));
  try {
    await start();
  } catch (error) {
    await service.kill();
    throw error;
  }
  return {
    port,
    observerPort,
    start,
    stop: () => service.stop(),
    kill: () => service.kill(),
    close: async () => {
      await service.kill();
      removeFolder(folder);
    },
  };
}

/**
 * The same command below another root, with `folder` at its own path. Its mounts are in a separate namespace, and end with the process.
 * Linux, as root.
 */
export function below(root: string, folder: string, command: string, words: readonly string[]): Launch {
  if (root === "/") return { command, words };
  const script =
    'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && mkdir -p "$0$1" && mount --bind "$1" "$0$1" && ' +
    'root=$0 && shift && exec chroot "$root" "$@"';
  return { command: "unshare", words: ["--mount", "--", "sh", "-c", script, root, folder, command, ...words] };
}

/** Makes a folder that every user may write to. */
export function folderIn(folder: string, name: string): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o777);
  return path;
}

/*
 * Simulated hosts on this machine: network namespaces at one bridge, all within a namespace of this process, so that
 * nothing reaches the outside, and all is removed with the process. A host can be cut off as by pulling its cable. Linux, as root.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { below, type Launch } from "../../peers/peer.js";
import { top } from "../../support/bundle.mjs";

const INSIDE = "FLEET_INSIDE";
const PREFIX = "10.99.0.";

/** Where this process itself is. */
export const OWN_ADDRESS = `${PREFIX}1`;

/** Starts this program again in its own network namespace, and ends with its exit code. Returns only in the second process. */
export function enterOwnNetwork(): void {
  if (process.env[INSIDE] !== undefined) return;
  const program = ["hosttest/run.mjs", "hosttest/fleet/main.ts", ...process.argv.slice(2)];
  const words = ["--net", "--mount", "--", process.execPath, ...program];
  const env = { ...process.env, [INSIDE]: "1" };
  const { status, error } = spawnSync("unshare", words, { cwd: top, stdio: "inherit", env });
  if (error !== undefined) throw error;
  process.exit(status ?? 1);
}

export class Host {
  readonly name: string;
  readonly address: string;
  readonly #cable: string;

  private constructor(index: number) {
    this.name = `host${index}`;
    this.address = `${PREFIX}${10 + index}`;
    this.#cable = `cable${index}`;
  }

  /** Creates so many, numbered from 1, at one bridge. Once in a process, after `enterOwnNetwork`. */
  static network(count: number): Host[] {
    ip("link set lo up");
    mkdirSync("/run/netns", { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "none", "/run/netns"]);
    ip("link add bridge type bridge");
    ip(`addr add ${OWN_ADDRESS}/24 dev bridge`);
    ip("link set bridge up");
    return Array.from({ length: count }, (_one, i) => {
      const host = new Host(i + 1);
      ip(`netns add ${host.name}`);
      ip(`link add ${host.#cable} type veth peer name eth0 netns ${host.name}`);
      ip(`link set ${host.#cable} master bridge`);
      ip(`link set ${host.#cable} up`);
      for (const rest of ["link set lo up", `addr add ${host.address}/24 dev eth0`, "link set eth0 up"])
        ip(`-n ${host.name} ${rest}`);
      return host;
    });
  }

  /** No packet passes in either direction, and neither end is notified. */
  cutOff(): void {
    ip(`link set ${this.#cable} down`);
  }

  connect(): void {
    ip(`link set ${this.#cable} up`);
  }

  /** A command of another Debian, on this host. */
  launch(root: string, folder: string, command: string, words: readonly string[]): Launch {
    const inner = below(root, folder, command, words);
    return { command: "ip", words: ["netns", "exec", this.name, inner.command, ...inner.words] };
  }
}

function ip(words: string): void {
  execFileSync("ip", words.split(" "), { stdio: ["ignore", "ignore", "inherit"] });
}

/*
 * Prometheus on a loopback port, with existing blocks; it scrapes no target.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Service } from "../../support/processes/service.js";
import type { Point } from "../verdict.js";

/** Of /api/v1/query for a range of samples: times in seconds since 1970. */
interface Answer {
  readonly error?: string;
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly values: readonly (readonly [number, string])[];
    }[];
  };
}

export class Prometheus {
  readonly #origin: string;
  readonly #service: Service;

  /** `folder`: for its configuration. `data`: with the blocks. */
  constructor(command: string, folder: string, data: string, port: number) {
    this.#origin = `http://127.0.0.1:${port}`;
    const file = join(folder, "prometheus.yml");
    writeFileSync(file, "scrape_configs: []\n");
    this.#service = new Service("Prometheus", command, [
      `--config.file=${file}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
  }

  async start(): Promise<void> {
    await this.#service.start(() =>
      fetch(`${this.#origin}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  }

  async stop(): Promise<void> {
    await this.#service.stop();
  }

  /** All points of a metric of the last day, as they are stored. @throws Error with Prometheus's message */
  async points(metric: string): Promise<Omit<Point, "seq">[]> {
    const response = await fetch(`${this.#origin}/api/v1/query?query=${encodeURIComponent(`${metric}[1d]`)}`);
    const { error, data } = (await response.json()) as Answer;
    if (error !== undefined) throw new Error(`Prometheus: ${metric}: ${error}`);
    const found: Omit<Point, "seq">[] = [];
    for (const { metric: labels, values } of data.result) {
      for (const [timeS, value] of values) {
        found.push({ room: labels.room, value: Number(value), timeMs: Math.round(timeS * 1000) });
      }
    }
    return found;
  }
}

/*
 * A WebSocket server that stands in for Home Assistant. It replays the recorded answers of a real one (2026.11.0): literally or, for tests that
 * need other hours than the recorded ones, with statistics that it stores itself, in the recorded form.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { type WebSocket, WebSocketServer } from "ws";
import { HOUR_MS, type HourStatistics } from "../hours.js";

interface Frame {
  readonly from: "client" | "server";
  readonly message: Fields;
}
type Fields = Readonly<Record<string, unknown>>;

export const DIALOGUE: readonly Frame[] = readFileSync(
  fileURLToPath(new URL("dialogue.jsonl", import.meta.url)),
  "utf8",
)
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line));

/** Statistics of an entity, by the start of the hour. */
export type Statistics = Map<string, Map<number, HourStatistics>>;

type Answering = (message: Fields) => readonly Fields[];

export class PlayedBack {
  readonly url: string;
  /** Called instead of importing statistics; no answer is sent. */
  insteadOfImport: (() => void) | undefined;
  private readonly server: WebSocketServer;

  private constructor(server: WebSocketServer, answering: () => Answering) {
    this.server = server;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("connection", (socket) => {
      const answer = answering();
      send(socket, [DIALOGUE[0].message]);
      socket.on("message", (bytes) => {
        const message: Fields = JSON.parse(String(bytes));
        if (message.type === "recorder/import_statistics" && this.insteadOfImport !== undefined) this.insteadOfImport();
        else send(socket, answer(message));
      });
    });
  }

  /** Literal replay: each message must be as recorded. `surprises` gets those that are not. */
  static byTheWord(surprises: unknown[]): Promise<PlayedBack> {
    return PlayedBack.start(() => {
      let at = 1;
      return (message) => {
        const { message: expected } = DIALOGUE[at++] ?? { message: undefined };
        if (JSON.stringify(message) !== JSON.stringify(expected)) surprises.push({ message, expected });
        const answers: Fields[] = [];
        while (DIALOGUE[at]?.from === "server") answers.push(DIALOGUE[at++].message);
        return answers;
      };
    });
  }

  /** Stores statistics as the recorder does: an hour that is imported again replaces the earlier one. */
  static keeping(statistics: Statistics): Promise<PlayedBack> {
    return PlayedBack.start(() => (message) => [answerTo(message, statistics)]);
  }

  private static async start(answering: () => Answering): Promise<PlayedBack> {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    return new PlayedBack(server, answering);
  }

  async close(): Promise<void> {
    for (const client of this.server.clients) client.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function send(socket: WebSocket, messages: readonly Fields[]): void {
  for (const message of messages) socket.send(JSON.stringify(message));
}

function answerTo(message: Fields, statistics: Statistics): Fields {
  const { id, type } = message;
  switch (type) {
    case "recorder/import_statistics":
      keep(message, statistics);
      return { id, type: "result", success: true, result: null };
    case "recorder/statistics_during_period":
      return { id, type: "result", success: true, result: hoursOf(message, statistics) };
    default:
      return { ...recordedAnswer(message), ...(id === undefined ? {} : { id }) };
  }
}

/** The recorded answer to the same command with the same fields. */
function recordedAnswer(message: Fields): Fields {
  const text = JSON.stringify({ ...message, id: 0, access_token: "" });
  const index = DIALOGUE.findIndex(
    (frame) => frame.from === "client" && JSON.stringify({ ...frame.message, id: 0, access_token: "" }) === text,
  );
  if (index >= 0) return DIALOGUE[index + 1].message;
  return { type: "result", success: false, error: { code: "unknown_command", message: "Unknown command." } };
}

function keep({ metadata, stats }: Fields, statistics: Statistics): void {
  const { statistic_id } = metadata as { statistic_id: string };
  const hours = statistics.get(statistic_id) ?? new Map<number, HourStatistics>();
  statistics.set(statistic_id, hours);
  for (const { start, ...values } of stats as (HourStatistics & { start: string })[]) {
    const startMs = Date.parse(start);
    if (startMs % HOUR_MS !== 0) throw new Error(`not on the hour: ${start}`);
    hours.set(startMs, values);
  }
}

function hoursOf({ statistic_ids, start_time, end_time }: Fields, statistics: Statistics): Fields {
  const [statisticId] = statistic_ids as [string];
  const from = Date.parse(String(start_time));
  const to = Date.parse(String(end_time));
  const hours = [...(statistics.get(statisticId) ?? [])]
    .filter(([start]) => start >= from && start < to)
    .sort(([a], [b]) => a - b)
    .map(([start, { mean, min, max }]) => ({ start, end: start + HOUR_MS, max, min, mean }));
  return hours.length === 0 ? {} : { [statisticId]: hours };
}

/*
 * The conformance statements of OASIS MQTT 3.1.1, Appendix B, that bind a client, in our words; and which tests carry their ids.
 * A test covers an id by naming it in its name or in a row of its table.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface Rule {
  readonly id: string;
  readonly text: string;
  /** Why it does not bind this client. */
  readonly notApplicable?: string;
}

const WEBSOCKET = "WebSocket only: the transport is TCP";

/** Id, then the rule. */
const RULES: readonly (readonly [id: string, text: string, notApplicable?: string])[] = [
  ["1.5.3-1", "strings are well-formed UTF-8 without surrogates; else close"],
  ["1.5.3-2", "no U+0000 in strings; else close"],
  ["1.5.3-3", "U+FEFF is a character, never stripped"],
  ["2.2.2-1", "flag bits as in table 2.2"],
  ["2.2.2-2", "invalid flags received: close"],
  ["2.3.1-1", "packet ids are not 0"],
  ["2.3.1-2", "a new packet takes an unused id"],
  ["2.3.1-3", "a re-send keeps its id until acknowledged"],
  ["2.3.1-5", "PUBLISH of QoS 0 has no id"],
  ["2.3.1-6", "PUBACK, PUBREC, PUBREL carry the id of the PUBLISH"],
  ["2.3.1-7", "SUBACK, UNSUBACK carry the id of the request"],
  ["3.1.0-1", "the first packet is CONNECT"],
  ["3.1.0-2", "no second CONNECT on one connection"],
  ["3.1.2-3", "CONNECT: reserved flag is 0"],
  ["3.1.2-4", "CleanSession 0: the session is stored after a disconnect"],
  ["3.1.2-6", "CleanSession 1: an earlier session's state is not used again"],
  ["3.1.2-9", "will flag 1: will topic and will message are there"],
  ["3.1.2-11", "will flag 0: no will fields"],
  ["3.1.2-13", "will flag 0: will QoS 0"],
  ["3.1.2-14", "will QoS is not 3"],
  ["3.1.2-15", "will flag 0: will retain 0"],
  ["3.1.2-18", "user-name flag 0: no user name"],
  ["3.1.2-19", "user-name flag 1: a user name"],
  ["3.1.2-20", "password flag 0: no password"],
  ["3.1.2-21", "password flag 1: a password"],
  ["3.1.2-22", "user-name flag 0: password flag 0"],
  ["3.1.2-23", "the interval between packets sent is within the keep-alive"],
  ["3.1.2-24", "the server disconnects at 1.5 times the keep-alive: the ping leaves earlier"],
  ["3.1.3-1", "CONNECT: order of the payload"],
  ["3.1.3-2", "the client id names the session at both ends"],
  ["3.1.3-3", "the client id is there, first in the payload"],
  ["3.1.3-4", "the client id is UTF-8"],
  ["3.1.3-5", "1 to 23 letters and digits go everywhere"],
  ["3.1.3-7", "an empty client id asks for CleanSession 1"],
  ["3.1.3-10", "the will topic is UTF-8"],
  ["3.1.3-11", "the user name is UTF-8"],
  ["3.2.0-1", "the server's first packet is CONNACK"],
  ["3.2.2-1", "CleanSession 1: Session Present 0"],
  ["3.2.2-2", "CleanSession 0, session kept: Session Present 1"],
  ["3.2.2-3", "CleanSession 0, no session: Session Present 0"],
  ["3.2.2-4", "refused: Session Present 0"],
  ["3.2.2-5", "refused: the server closes, the link is not used"],
  ["3.3.1-1", "DUP 1 on every re-delivery"],
  ["3.3.1-2", "DUP 0 on every message of QoS 0"],
  ["3.3.1-4", "QoS 3 received: close"],
  ["3.3.1-10", "empty payloads are legal, and delivered"],
  ["3.3.2-1", "the topic name comes first, as UTF-8"],
  ["3.3.2-2", "no wildcard in a topic name"],
  ["3.3.4-1", "answer by QoS: none, PUBACK, PUBREC"],
  ["3.3.5-2", "a PUBACK is not proof of authorisation"],
  ["3.6.1-1", "PUBREL's flags are 0010"],
  ["3.8.1-1", "SUBSCRIBE's flags are 0010"],
  ["3.8.3-1", "topic filters are UTF-8"],
  ["3.8.3-3", "SUBSCRIBE has at least one filter"],
  ["3-8.3-4", "requested QoS 0 to 2, reserved bits 0"],
  ["3.8.4-2", "SUBACK's id is SUBSCRIBE's"],
  ["3.8.4-5", "one return code for each filter"],
  ["3.8.4-6", "granted QoS may be lower than asked"],
  ["3.9.3-1", "return codes in the order of the filters"],
  ["3.9.3-2", "return codes 00, 01, 02, 80 only; 80 reaches the owner"],
  ["3.10.1-1", "UNSUBSCRIBE's flags are 0010"],
  ["3.10.3-1", "filters in UNSUBSCRIBE are UTF-8, packed"],
  ["3.10.3-2", "UNSUBSCRIBE has at least one filter"],
  ["3.12.4-1", "PINGRESP answers PINGREQ, or the connection is over"],
  ["3.14.1-1", "DISCONNECT's flags are 0"],
  ["3.14.4-1", "after DISCONNECT, close"],
  ["3.14.4-2", "after DISCONNECT, send nothing"],
  ["4.1.0-1", "session state is stored for the whole session"],
  ["4.1.0-2", "a session lasts as long as its connection"],
  ["4.3.1-1", "QoS 0: QoS bits 0, DUP 0"],
  ["4.3.2-1", "QoS 1 sender"],
  ["4.3.2-2", "QoS 1 receiver"],
  ["4.3.3-1", "QoS 2 sender"],
  ["4.3.3-2", "QoS 2 receiver"],
  ["4.4.0-1", "on reconnect everything unacknowledged goes again with its id"],
  ["4.5.0-2", "every PUBLISH received is acknowledged"],
  ["4.6.0-1", "re-sends in the original order"],
  ["4.6.0-2", "PUBACKs in the order of the PUBLISHes"],
  ["4.6.0-3", "PUBRECs in the order of the PUBLISHes"],
  ["4.6.0-4", "PUBRELs in the order of the PUBRECs"],
  ["4.7.1-1", "wildcards in filters only"],
  ["4.7.1-2", "# alone or after /, and last"],
  ["4.7.1-3", "+ takes a whole level"],
  ["4.7.3-1", "topics have one character at least"],
  ["4.7.3-2", "no U+0000 in topics"],
  ["4.7.3-3", "topics have 65,535 bytes at most"],
  ["4.8.0-1", "protocol violation: close"],
  ["4.8.0-2", "transient error: close"],
  ["6.0.0-1", "binary frames", WEBSOCKET],
  ["6.0.0-2", "packets need not align with frames", WEBSOCKET],
  ["6.0.0-3", "subprotocol offered", WEBSOCKET],
  ["6.0.0-4", "subprotocol confirmed", WEBSOCKET],
  ["7.0.0-2", "no extension is required"],
  ["7.1.2-1", "an ordered, lossless stream in both directions"],
];

export const rules: readonly Rule[] = RULES.map(([id, text, notApplicable]) => ({ id, text, notApplicable }));

const folder = fileURLToPath(new URL("..", import.meta.url));

/** For each id, the test files that name it in a string, with how many names. */
export function coverage(): Map<string, string[]> {
  const covered = new Map<string, string[]>();
  for (const file of readdirSync(folder, { encoding: "utf8", recursive: true })
    .filter((name) => name.endsWith(".test.ts") && name !== "checklist.test.ts")
    .sort()) {
    const counts = new Map<string, number>();
    for (const [, , text] of readFileSync(`${folder}/${file}`, "utf8").matchAll(/(["'`])((?:(?!\1)[^\n\\]|\\.)*)\1/g)) {
      const ids = /\(((?:\d[-.]\d+(?:\.\d+)?-\d+(?:, )?)+)\)/.exec(text)?.[1].split(", ") ?? [];
      for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    for (const [id, count] of counts) covered.set(id, [...(covered.get(id) ?? []), `${file} (${count})`]);
  }
  return covered;
}

/** The page hosttest/mqtt/checklist.md. */
export function page(): string {
  const covered = coverage();
  const rows = rules.map(({ id, text, notApplicable }) => [
    id,
    text,
    notApplicable === undefined
      ? (covered.get(id) ?? ["**not covered**"]).join(", ")
      : `not applicable: ${notApplicable}`,
  ]);
  return `# MQTT 3.1.1: which test covers which rule for clients

Generated from the tests' names by \`UPDATE=1 npx vitest run --config hosttest/vitest.config.ts hosttest/mqtt/checklist\`;
the test fails when this page is out of date or an applicable rule has no test. The number is how many tests or rows
carry the id.

${table(["id", "rule, in our words", "tests"], rows)}
`;
}

/** A table in Markdown, columns aligned, as the formatter wants it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((text, column) => Math.max(text.length, ...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, n) => cell.padEnd(widths[n])).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

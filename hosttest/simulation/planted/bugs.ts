/*
 * Bugs to plant: each removes one safeguard from the firmware, by a replacement in one file, or in several.
 * `find` must occur exactly once; if the code changes, the tool reports it, and the bug must be updated.
 */
export interface PlantedBug extends Edit {
  readonly name: string;
  /** Only devices that sleep show it. */
  readonly sleeps?: true;
  /** If a second safeguard backs up the first: further replacements, in other files. */
  readonly also?: readonly Edit[];
}

export interface Edit {
  /** Path from the top of the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const SESSION = "src/mqtt/delivery/session.ts";

export const bugs: readonly PlantedBug[] = [
  {
    name: "unsynchronised-time-believed",
    file: "src/network/sntp.ts",
    find: "  if (reply.getUint8(0) >> 6 === UNSYNCHRONISED || stratum === 0) return ",
    replace: "  if (stratum > 255) return ",
  },
  {
    name: "first-time-answer-believed",
    file: "src/network/time-votes.ts",
    find: "    return answers >= needed && surplus > 0;\n",
    replace: "    return answers > 0;\n",
  },
  {
    name: "blindly-forged-time-believed",
    file: "src/network/sntp.ts",
    find: "    reply.getUint32(ORIGINATE_AT) === question.getUint32(TRANSMIT_AT) &&\n",
    replace: "",
  },
  {
    name: "pubrel-before-durable-pubrec",
    file: SESSION,
    find: "      this.store.released(sequence); // durable before PUBREL leaves\n",
    replace: "",
  },
  {
    name: "dup-not-set",
    file: SESSION,
    find: "        first |= 0x08; // DUP\n",
    replace: "",
  },
  {
    name: "id-reused",
    file: SESSION,
    find: "0x4002_0001 + (sequence % 61_440);",
    replace: "0x4002_0001 + (sequence % 4);",
  },
  {
    name: "settled-before-pubcomp",
    file: SESSION,
    find: "      this.awaited[slot] = word + 0x2000_0000; // PUBCOMP\n",
    replace: "      this.awaited[slot] = word + 0x2000_0000; // PUBCOMP\n      this.store.settle(sequence);\n",
  },
  {
    name: "published-again-after-pubrec",
    file: SESSION,
    find: "      if (entry.released) {\n",
    replace: "      if (entry.qos > 2) {\n",
  },
  {
    name: "order-changed-on-resend",
    file: SESSION,
    find: "      if (this.inFlight && this.mustWait(entry)) return;\n",
    replace: "",
  },
  {
    name: "session-lost-ignored",
    file: SESSION,
    find: "      store.requeue();\n",
    replace: "",
  },
  {
    name: "half-open-never-noticed",
    file: "src/mqtt/keep-alive.ts",
    find: "const limitMs = nowMs + this.pingTimeoutMs;",
    replace: "const limitMs = nowMs + 1e12;",
  },
  {
    name: "link-up-before-start-unheard",
    file: "src/thermometer.ts",
    find: "    this.uplink?.linkUp(); // also before it is started: it may have been notified that the link is down\n    if (this.uplinkStarted) return;\n",
    replace: "    if (this.uplinkStarted) {\n      this.uplink?.linkUp();\n      return;\n    }\n",
  },
  {
    name: "room-of-today",
    file: "src/journal/rooms.ts",
    find: "if (stored.boot !== this.boot || stored.room !== this.number) return",
    replace: "if (stored.boot < 0) return",
  },
  {
    name: "base-of-now",
    file: "src/journal/bases.ts",
    find: "if (own !== undefined && sequence >= own.from) {",
    replace: "if (own !== undefined) {",
  },
  {
    name: "time-of-this-boot",
    file: "src/journal/dating.ts",
    find: "if (boot === this.boot && sequence >= this.ownStart) {",
    replace: "if (boot >= 0) {",
  },
  {
    name: "settled-in-ram-only",
    file: "src/outbox/outbox.ts",
    find: "log.resumed && this.medium.unit === 1 ? this.walk.clear(sequence, DONE_BITS) : this.settleSlowly(sequence)",
    replace: "(log.resumed && this.medium.unit === 1) || this.settleSlowly(sequence)",
  },
  {
    name: "torn-record-accepted",
    file: "src/outbox/blocks/cursor.ts",
    find: "let jump = (medium.number - (this.nextNumber | 0)) >>> 0;",
    replace: "let jump = 0;",
  },
  {
    name: "boot-unbounded",
    file: "src/outbox/queue/tail.ts",
    find: "export function recordTail(log: Log, walk: Walk, space: FreeSpace): void {\n",
    replace: "export function recordTail(log: Log, walk: Walk, space: FreeSpace): void {\n  if (space) return;\n",
    also: [{ file: "src/outbox/queue/passed.ts", find: "  leap(log);\n", replace: "" }],
  },
  {
    name: "second-channel-one-step-low",
    file: "src/journal/short.ts",
    find: "parts[i + LOW] + (rest & ((1 << width) - 1));",
    replace: "parts[i + LOW] + (rest & ((1 << width) - 1)) - 1;",
  },
  {
    name: "alias-kept-across-connections",
    file: "src/mqtt/v5/transmit5.ts",
    find: "  private readonly topics: Uint8Array[] = [];\n  /** The properties of a topic's messages, alias included. */\n  private readonly blocks: Uint8Array[] = [];\n",
    replace:
      "  private static readonly kept: Uint8Array[][] = [[], []];\n  private readonly topics = Transmit5.kept[0];\n  private readonly blocks = Transmit5.kept[1];\n",
  },
  {
    name: "receive-maximum-ignored",
    file: "src/mqtt/v5/limits.ts",
    find: "  const receiveMaximum = broker ? broker.receiveMaximum : NO_LIMIT;\n",
    replace: "  const receiveMaximum = NO_LIMIT;\n",
  },
  {
    name: "refusal-taken-for-success",
    file: SESSION,
    find: "    if (code > 127 && type < 6 && slot >= 0 && state < 6 && refusals && !isReceived) {\n",
    replace: "    if (code > 0x97 && type < 6 && slot >= 0 && state < 6 && refusals && !isReceived) {\n",
  },
  {
    name: "maximum-qos-ignored",
    file: "src/mqtt/delivery/outbound.ts",
    find: "    this.isLowering = suspicion.isLowering || limits.maxQoS < 2;\n",
    replace: "    this.isLowering = suspicion.isLowering;\n",
  },
  {
    name: "session-without-expiry",
    file: "src/mqtt/v5/version5.ts",
    find: "    const sessionExpiryS = clean ? undefined : options.sessionExpiryS;",
    replace: "    const sessionExpiryS = clean ? undefined : undefined;",
  },
  {
    name: "retain-where-it-is-not-available",
    file: "src/mqtt/v5/requests.ts",
    find: "    if (!limits.retainAvailable) packet[0] &= ~1;\n",
    replace: "",
  },
  {
    name: "maximum-packet-size-ignored",
    file: "src/mqtt/v5/requests.ts",
    find: "  if (packet.length > limits.maxPacketBytes) return 0x95;\n",
    replace: "",
  },
  {
    name: "postponed-behind-forgotten",
    file: "src/mqtt/v5/postponed.ts",
    find: "    this.first = this.second;\n",
    replace: "    this.first = NO_ENTRY;\n",
  },
  {
    name: "silence-taken-for-no-limit",
    file: "src/mqtt/v5/limits.ts",
    find: "isGuess ? MAX_QOS2_GUESSED : MAX_QOS2_UNSAID",
    replace: "isGuess ? MAX_QOS2_UNSAID : MAX_QOS2_UNSAID",
    also: [{ file: "src/mqtt/v5/choice.ts", find: "const MAX_QUIET = 9;", replace: "const MAX_QUIET = 1;" }],
  },
  {
    name: "server-keep-alive-longer-than-ours",
    file: "src/mqtt/v5/limits.ts",
    find: "  return a && b ? Math.min(a, b) : a || b;\n",
    replace: "  return a || b;\n",
  },
  {
    name: "back-off-without-jitter",
    file: "src/mqtt/client.ts",
    find: "Math.round(this.stepMs * random)",
    replace: "Math.round(this.stepMs)",
  },
  {
    name: "drift-ignored",
    sleeps: true,
    file: "src/journal/dating.ts",
    find: "      drift = nearestDrift(drift);\n",
    replace: "      drift = 0;\n",
  },
  {
    name: "number-not-remembered",
    sleeps: true,
    file: "src/thermometer/sleep/wake.ts",
    find: "    record.number = appender.number;\n",
    replace: "",
  },
  {
    name: "report-without-an-end",
    sleeps: true,
    file: "src/thermometer/sleep/sleep-control.ts",
    find: "isReported ? 0 : this.abortMs",
    replace: "isReported ? 0 : Number.MAX_SAFE_INTEGER",
  },
];

/** All replacements of a bug. */
export function editsOf({ file, find, replace, also = [] }: PlantedBug): readonly Edit[] {
  return [{ file, find, replace }, ...also];
}

/*
 * Commands from afar: a message on `home/<room>/<id>/command` is a line as at the prompt, or JSON, {"command": "sample", "id": "17"}. Its
 * answer has the prompt's own words: {"id": "17", "ok": true, "answer": "21.44 °C"}, on `.../answer` at QoS 1 and, in MQTT 5, on its
 * response topic, with its correlation data. What may be done is the setting `remote`; see permission.ts.
 * Each command of QoS 1 or 2 is done once, though the broker may send it again and the power may go at any time: record.ts. What leaves
 * its effect in the settings is done before it is recorded, and again if the power goes in between, which changes nothing. What must not
 * be done again (`reboot`, `identify`) is recorded first: a power cut in between is a reboot, too. `sample` takes longer than its
 * acknowledgement may: it is recorded as owed, then taken, by the next life if need be.
 * The text of a command is never repeated in an answer or in the log: somebody may have put a password there.
 */
import type { Board } from "../../board.js";
import type { LineLevel } from "../../common/log-levels.js";
import { messageOf } from "../../common/message-of.js";
import type { RemoteAnswer } from "../../console/shell/remote.js";
import { answerTopic } from "../../homeassistant/discovery.js";
import type { InboundMessage, Message } from "../../mqtt/client.js";
import { version5 } from "../../mqtt/v5/version5.js";
import { decodeUTF8, encodeUTF8 } from "../../mqtt/wire/utf8.js";
import type { Settings } from "../../settings/settings.js";
import type { KeyValueStore } from "../../settings/store.js";
import { permit } from "./permission.js";
import { CommandRecord, commandHash, isOnRecord, type Queue } from "./record.js";

/** What commands ask of the device. */
export interface RemoteOwner {
  readonly board: Board;
  readonly settings: Settings;
  readonly store: KeyValueStore;
  readonly id: string;
  readonly outbox: Queue | undefined;
  /** Runs a line as at the prompt. */
  runCommand(line: string, done: (answer: RemoteAnswer) => void): void;
  log(level: LineLevel, text: string): void;
}

/** What commands ask of the client. */
export interface RemoteClient {
  /** All that was sent beside readings is acknowledged, on this connection or an earlier one. */
  readonly hasAnswered: boolean;
  /** The broker has had time on the latest connection to send again whatever it had to, and has been heard after that. */
  readonly isProven: boolean;
  publish(topic: string, payload: Uint8Array, options: { readonly qos: 0 | 1; readonly retain: boolean }): boolean;
  publishNow(message: Message): boolean;
}

/** Bytes of a command's message. */
export const MAX_COMMAND = 256;
/** Commands that wait until the sensor, say, has answered the one before. */
export const MAX_WAITING = 16;
const MAX_ID = 64;
const LOOK_MS = 100;
/** An answer has so many looks to arrive: a reboot waits for it, say. */
const LOOKS = 20;
/** A store that refuses the record of a sample that was taken is left alone for so long, as the outbox's flash is. */
const AMEND_MS = 60_000;

/** In place of a connection: there is none any more. */
const CLOSED = -1;

/** Where an answer goes beside `.../answer`, and what it is to be known by. */
interface Sender {
  id: string | undefined;
  responseTopic: string | undefined;
  readonly correlationData: Uint8Array | undefined;
}

interface Waiting {
  /** See `Permitted`. */
  readonly run: string;
  readonly name: string;
  /** undefined: asked for in an earlier life. */
  readonly sender: Sender | undefined;
  /** A sample that is on record as owed. */
  readonly isOwed: boolean;
}

/** Takes commands from the broker, has them done, and answers. */
export class RemoteCommands {
  private readonly owner: RemoteOwner;
  private readonly client: RemoteClient;
  /** Read when the first command comes, or at the beginning if an earlier life has left anything. */
  private _record: CommandRecord | undefined;
  /** Of the message that comes in. */
  private bytes: Uint8Array | undefined;
  /** Those that wait for one another; the first is being done. */
  private waiting: Waiting[] | undefined;
  /** Counted from 1; or CLOSED. */
  private connection = 0;

  constructor(owner: RemoteOwner, client: RemoteClient) {
    this.owner = owner;
    this.client = client;
  }

  /** Something is being done. */
  get isBusy(): boolean {
    return this.line.length > 0;
  }

  /** A connection begins. `isPresent`: in the same session; else nothing that came before is sent again. */
  connected(isPresent: boolean): void {
    this.settle();
    this.connection++;
    if (isPresent) return;
    this.begin();
    this.retire(false, true);
  }

  /** Has the samples taken that were asked for in an earlier life, and not taken before it ended. Before this one appends anything. */
  begin(): void {
    if (this._record === undefined && isOnRecord(this.owner.store)) this.load();
  }

  close(): void {
    this.connection = CLOSED;
    this.waiting = undefined;
  }

  private get isClosed(): boolean {
    return this.connection === CLOSED;
  }

  private get record(): CommandRecord {
    return this._record ?? this.load();
  }

  private load(): CommandRecord {
    const record = new CommandRecord(this.owner.store, this.next);
    this._record = record;
    for (let n = 0; n < record.owed; n++) this.wait({ run: "sample", name: "sample", sender: undefined, isOwed: true });
    return record;
  }

  /** Number of the outbox's next entry. */
  private get next(): number {
    return this.owner.outbox?.nextSequence ?? -1;
  }

  private get line(): readonly Waiting[] {
    return this.waiting ?? [];
  }

  /** A piece of a message. `id`: its packet id; 0 at QoS 0. What it throws ends the connection. */
  take(message: InboundMessage, id: number): void {
    const { offsetBytes, totalBytes, payload, last } = message;
    if (offsetBytes === 0) this.bytes = totalBytes > MAX_COMMAND ? undefined : new Uint8Array(totalBytes);
    this.bytes?.set(payload, offsetBytes);
    if (!last) return;
    const { bytes } = this;
    this.bytes = undefined;
    const { responseTopic, correlationData } = message.properties ?? {};
    const sender: Sender = { id: undefined, responseTopic, correlationData };
    try {
      if (bytes === undefined) throw new Error(`a command has ${MAX_COMMAND} bytes at most`);
      const line = parse(bytes, sender);
      if (message.retain) throw new Error("retained commands are refused: publish it without retain");
      if (responseTopic?.endsWith("/command")) {
        sender.responseTopic = undefined;
        throw new Error("the response topic is a command topic");
      }
      this.decide(line, sender, message, id);
    } catch (error) {
      this.refuse(messageOf(error), sender);
    }
  }

  private decide(line: string, sender: Sender, { qos, dup }: InboundMessage, packetId: number): void {
    const { settings, outbox } = this.owner;
    const { record, connection } = this;
    const isOwn = sender.id !== undefined;
    const hash = commandHash(sender.id ?? `${sender.correlationData?.join() ?? packetId} ${line}`, isOwn);
    if ((isOwn || (dup && qos > 0)) && record.has(hash)) {
      // Asked again by its sender: the answer was lost on its way. What the broker sends again, or what is not done yet, is answered once.
      const isAsked = isOwn && !dup && !this.isOpen(sender.id);
      const isEarlier = record.again(hash, connection);
      if (isAsked || isEarlier) this.answer({ text: "done already", isFailed: false }, sender);
      return;
    }
    const { run, name, isOnce, isSlow, isIdle } = permit(line, settings);
    if (isSlow && this.line.length > MAX_WAITING)
      throw new Error(`${MAX_WAITING} commands are waiting: try again later`);
    const isRecorded = !isIdle && (isOwn || qos > 0);
    // What the broker had to send again comes before what is new, in the order of its topic (MQTT 5 §4.6).
    if (isRecorded && qos > 0 && !dup) record.retire(connection, false, true, false);
    // What is not kept in flash is not owed either.
    const isOwed = isRecorded && name === "sample" && outbox !== undefined && settings.get("mqtt.qos") > 0;
    if (isRecorded && isOnce) this.keep(hash, isOwed ? 1 : 0);
    const command = { run, name, sender, isOwed };
    if (isSlow) this.wait(command);
    else this.run(command);
    // Where that fails, it was done all the same, and is done again if it comes again.
    if (isRecorded && !isOnce) quietly(() => record.add(hash, connection, 0));
  }

  /** It waits, or is being done: its answer is to come. */
  private isOpen(id: string | undefined): boolean {
    return this.line.some(({ sender }) => sender?.id === id);
  }

  private keep(hash: number, samples: number): void {
    try {
      this.record.add(hash, this.connection, samples);
    } catch (error) {
      throw new Error(`not done: it cannot be recorded: ${messageOf(error)}`);
    }
  }

  private wait(command: Waiting): void {
    this.waiting ??= [];
    if (this.waiting.push(command) === 1) this.goOn();
  }

  /** The next of those that wait for one another. */
  private goOn(): void {
    const next = this.line[0];
    if (next === undefined) return;
    this.run(next, () => {
      this.owner.board.timers.set(() => {
        if (this.isClosed) return;
        const { outbox } = this.owner;
        if (next.isOwed && outbox !== undefined) this.amend(() => this.record.appended(outbox));
        this.waiting?.shift();
        this.goOn();
      }, 0);
    });
  }

  /** Until the store keeps it: the next life would take a sample again that was taken. */
  private amend(write: () => void): void {
    quietly(write);
    const { record, owner } = this;
    if (record.isStale)
      owner.board.timers.set(() => {
        if (!this.isClosed && record.isStale) this.amend(() => record.write());
      }, AMEND_MS);
  }

  private run({ run, name, sender, isOwed }: Waiting, whenDone?: () => void): void {
    this.owner.runCommand(run, (answer) => {
      if (this.isClosed) return;
      if (isOwed) quietly(() => (answer.isFailed ? this.record.forgive() : this.record.append(this.next)));
      this.owner.log("info", `command ${name}: ${answer.isFailed ? answer.text : "done"}`);
      if (sender !== undefined) this.answer(answer, sender);
      whenDone?.();
    });
  }

  private refuse(why: string, sender: Sender): void {
    this.owner.log("warn", `command refused: ${why}`);
    this.answer({ text: `error: ${why}`, isFailed: true }, sender);
  }

  /** Behind the acknowledgement of the command: that this is acknowledged proves that the other has arrived. */
  private answer({ text, isFailed, last }: RemoteAnswer, { id, responseTopic, correlationData }: Sender): void {
    const { owner, client } = this;
    const payload = encodeUTF8(JSON.stringify({ id, ok: !isFailed, answer: text }));
    owner.board.timers.set(() => {
      if (this.isClosed) return;
      const topic = answerTopic(owner.settings.get("room"), owner.id);
      if (client.publish(topic, payload, { qos: 1, retain: false })) this._record?.follow(this.connection);
      if (responseTopic !== undefined) {
        const properties = correlationData && version5.properties({ correlationData });
        const topic = encodeUTF8(responseTopic);
        client.publishNow({ topic, payload, payloadLength: payload.length, retain: false, properties });
      }
      this.awaitArrival(LOOKS, last);
    }, 0);
  }

  /** Until the answer has arrived, or it has taken too long. */
  private awaitArrival(looks: number, last: (() => void) | undefined): void {
    if (this.isClosed) return;
    if (looks > 0 && !this.client.hasAnswered) {
      this.owner.board.timers.set(() => this.awaitArrival(looks - 1, last), LOOK_MS);
      return;
    }
    this.settle();
    last?.();
  }

  /**
   * Has what will not be sent again forgotten, where that is known now: else another command with its packet id and text might be taken for it.
   * Before the device leaves, and when the broker has answered.
   */
  settle(): void {
    this.retire(this.client.hasAnswered, this.client.isProven);
  }

  private retire(hasArrived: boolean, hasAll: boolean): void {
    const { _record } = this;
    if (_record?.retire(this.connection, hasArrived, hasAll)) quietly(() => _record.write());
  }
}

/** What the store cannot keep now, the next record may. */
function quietly(write: () => void): void {
  try {
    write();
  } catch {}
}

/** The line of a message; the id that it may have becomes the sender's. @throws Error if it is no command */
function parse(bytes: Uint8Array, sender: Sender): string {
  const text = decodeUTF8(bytes)?.trim();
  if (text === undefined) throw new Error("not UTF-8");
  if (!text.startsWith("{")) return text;
  let json: { readonly command?: unknown; readonly id?: unknown };
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error("no JSON");
  }
  const { command, id } = json;
  if (typeof command !== "string") throw new Error('expected {"command": "…", "id": "…"}');
  if (id !== undefined && (typeof id !== "string" || id === "" || id.length > MAX_ID))
    throw new Error(`id: expected a text of 1 to ${MAX_ID} characters`);
  sender.id = id;
  return command.trim();
}

/*
 * Decodes the bytes of the device's sockets into packets for people, with an implementation that is not the firmware's (mqtt-packet).
 * Passwords are left out.
 */
import mqtt, { type Packet, type Parser } from "mqtt-packet";
import { messageOf } from "../../../../src/common/message-of.js";
import { reasonText } from "../../../../src/mqtt/v5/reasons.js";
import type { Tap } from "../../network/plug.js";
import { OPENS, type PacketView } from "../protocol.js";

const MAX_KEPT = 200;
const MAX_PAYLOAD = 200;

/** Reason codes below 128 other than success: MQTT 5 §2.4. */
const REASONS: Readonly<Record<number, string>> = Object.freeze({
  1: "granted QoS 1",
  2: "granted QoS 2",
  4: "disconnect with will message",
  16: "no matching subscribers",
  17: "no subscription existed",
});
/** Return codes of CONNACK in 3.1.1: §3.2.2.3. */
const RETURN_CODES = Object.freeze([
  "accepted",
  "protocol version not supported",
  "client id rejected",
  "server unavailable",
  "bad user name or password",
  "not authorised",
]);

type Description = Omit<PacketView, "n" | "atMs" | "direction" | "bytes">;

export class Wire {
  /** Gets each packet. */
  onPacket: (packet: PacketView) => void = () => {};
  readonly #kept: PacketView[] = [];
  #count = 0;

  get packets(): readonly PacketView[] {
    return this.#kept;
  }

  /** Observes a new connection. */
  tap({ host, port }: { readonly host?: string; readonly port: number }): Tap {
    const aliases = new Map<number, string>();
    let version = 4;
    let received: Parser | undefined;
    let isOver = false;
    const add = (direction: PacketView["direction"], what: Description, bytes = 0): void => {
      const packet = { n: ++this.#count, atMs: Date.now(), direction, bytes, ...what };
      this.#kept.push(packet);
      if (this.#kept.length > MAX_KEPT) this.#kept.shift();
      this.onPacket(packet);
    };
    const decoder = (direction: PacketView["direction"]): Parser => {
      const parser = mqtt.parser({ protocolVersion: version as 4 | 5 });
      parser.on("packet", (packet: Packet) => {
        if (packet.cmd === "connect") version = packet.protocolVersion ?? version;
        add(direction, described(packet, version, aliases), packet.length);
      });
      parser.on("error", (error: unknown) => add(direction, plain("malformed", messageOf(error))));
      return parser;
    };
    const sent = decoder("sent");
    add("sent", plain("link", `${OPENS}${host}:${port}`));
    return {
      sent: (bytes) => void sent.parse(Buffer.from(bytes)),
      received: (bytes) => {
        received ??= decoder("received");
        received.parse(Buffer.from(bytes));
      },
      closed: () => {
        if (!isOver) add("sent", plain("link", "closed"));
        isOver = true;
      },
    };
  }
}

function plain(type: string, detail: string): Description {
  return { type, flags: "", detail };
}

function described(packet: Packet, version: number, aliases: Map<number, string>): Description {
  const type = packet.cmd.toUpperCase();
  const packetId = packet.messageId;
  const rest = properties("properties" in packet ? packet.properties : undefined);
  switch (packet.cmd) {
    case "connect": {
      const { clientId, clean, keepalive, username, will, protocolVersion } = packet;
      const flags = [clean && (version === 5 ? "clean start" : "clean session"), will && "will"]
        .filter(Boolean)
        .join(", ");
      const of = protocolVersion === 5 ? "MQTT 5" : "MQTT 3.1.1";
      const user = username ? `, user ${username}, password ***` : "";
      const lastWill = will ? `, will ${will.topic}: ${shown(will.payload)}` : "";
      return { type, flags, detail: `${of}, id ${clientId}, keep-alive ${keepalive} s${user}${lastWill}${rest}` };
    }
    case "connack": {
      const code = packet.reasonCode ?? packet.returnCode ?? 0;
      const flags = packet.sessionPresent ? "session present" : "";
      return {
        type,
        flags,
        ...answer(code, version === 5 ? reason(code) : (RETURN_CODES[code] ?? `code ${code}`), rest),
      };
    }
    case "publish": {
      const { qos, dup, retain } = packet;
      const alias = packet.properties?.topicAlias;
      if (alias !== undefined && packet.topic !== "") aliases.set(alias, packet.topic);
      const topic = packet.topic || (alias === undefined ? "" : (aliases.get(alias) ?? ""));
      const flags = [`QoS ${qos}`, dup && "DUP", retain && "retain"].filter(Boolean).join(", ");
      return { type, flags, packetId, topic, detail: `${shown(packet.payload)}${rest}` };
    }
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp": {
      const code = packet.reasonCode ?? 0;
      return { type, flags: "", packetId, ...answer(code, version === 5 ? reason(code) : "", rest) };
    }
    case "subscribe": {
      const topics = packet.subscriptions.map(({ topic, qos }) => `${topic} (QoS ${qos})`).join(", ");
      return { type, flags: "", packetId, detail: `${topics}${rest}` };
    }
    case "unsubscribe":
      return { type, flags: "", packetId, detail: `${packet.unsubscriptions.join(", ")}${rest}` };
    case "suback":
    case "unsuback": {
      const codes = (packet.granted ?? []).map(Number);
      const detail = codes.map((code) => (code === 0 ? "granted QoS 0" : reason(code))).join(", ");
      return { type, flags: "", packetId, detail: `${detail}${rest}`, isRefusal: codes.some((code) => code >= 128) };
    }
    case "disconnect":
    case "auth": {
      const code = packet.reasonCode ?? 0;
      return { type, flags: "", ...answer(code, version === 5 ? reason(code) : "", rest) };
    }
    case "pingreq":
    case "pingresp":
      return { type, flags: "", detail: "" };
    default:
      return { type: String((packet satisfies never as Packet).cmd), flags: "", detail: "" };
  }
}

function answer(code: number, text: string, rest: string): Pick<PacketView, "detail" | "isRefusal"> {
  return { detail: `${text}${rest}`, isRefusal: code >= 128 || undefined };
}

function reason(code: number): string {
  return code >= 128 ? reasonText(code) : (REASONS[code] ?? (code === 0 ? "success" : `code ${code}`));
}

function properties(of: object | undefined): string {
  const texts = Object.entries(of ?? {}).map(([name, value]) => {
    const text = value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
    return `${name} ${text}`;
  });
  return texts.length === 0 ? "" : ` {${texts.join(", ")}}`;
}

function shown(payload: string | Buffer): string {
  const text = payload.toString();
  return text.length <= MAX_PAYLOAD ? text : `${text.slice(0, MAX_PAYLOAD)}... (${text.length} characters)`;
}

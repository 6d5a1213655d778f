/*
 * Home Assistant's WebSocket API: one connection, commands and their answers.
 * Source: developers.home-assistant.io/docs/api/websocket; seen with Home Assistant 2026.11.0.
 */
import WebSocket from "ws";

const ANSWER_MS = 60_000; // its recorder may be busy
const PATH = "/api/websocket";

/** Home Assistant refuses the token: no retry helps. */
export class TokenRefused extends Error {}

/** Home Assistant has answered a command with an error. */
export class CommandRefused extends Error {}

interface Answer {
  readonly id?: number;
  readonly type: string;
  readonly success?: boolean;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
  readonly message?: string;
}

interface Pending {
  readonly what: string;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export class HomeAssistant {
  private readonly socket: WebSocket;
  private readonly pending = new Map<number, Pending>();
  private nextId = 1;
  private failure: Error | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (bytes) => this.received(JSON.parse(String(bytes))));
    socket.on("close", () => this.fail(new Error("Home Assistant closed the connection")));
    socket.on("error", (error) => this.fail(error));
  }

  /** `url`: ws[s]://host:port. `token`: a long-lived access token of an administrator. @throws TokenRefused, Error */
  static async connect(url: string, token: string): Promise<HomeAssistant> {
    const socket = new WebSocket(new URL(PATH, url), { handshakeTimeout: ANSWER_MS });
    await authenticate(socket, token);
    return new HomeAssistant(socket);
  }

  /** @throws CommandRefused with its code and text; Error if the connection is closed or no answer arrives */
  async call<T>(type: string, fields: object = {}): Promise<T> {
    if (this.failure !== undefined) throw this.failure;
    const id = this.nextId++;
    const answered = new Promise<unknown>((resolve, reject) => this.pending.set(id, { what: type, resolve, reject }));
    this.socket.send(JSON.stringify({ id, type, ...fields }));
    const late = setTimeout(() => this.fail(new Error(`Home Assistant does not answer ${type}`)), ANSWER_MS);
    try {
      return (await answered) as T;
    } finally {
      clearTimeout(late);
    }
  }

  close(): void {
    this.socket.close();
  }

  private received({ id = 0, type, success, result, error }: Answer): void {
    const pending = this.pending.get(id);
    if (pending === undefined || type !== "result") return;
    this.pending.delete(id);
    if (success) pending.resolve(result);
    else pending.reject(new CommandRefused(`${pending.what}: ${error?.code}: ${error?.message}`));
  }

  private fail(error: Error): void {
    this.failure ??= error;
    const { failure } = this;
    for (const { reject } of this.pending.values()) reject(failure);
    this.pending.clear();
    this.socket.terminate();
  }
}

function authenticate(socket: WebSocket, token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: Error): void => {
      socket.removeAllListeners();
      if (error === undefined) {
        resolve();
        return;
      }
      socket.on("error", () => {}); // of the termination
      socket.terminate();
      reject(error);
    };
    socket.on("error", end);
    socket.on("close", () => end(new Error("it closed the connection before it was ready")));
    socket.on("message", (bytes) => {
      const { type, message }: Answer = JSON.parse(String(bytes));
      if (type === "auth_required") socket.send(JSON.stringify({ type: "auth", access_token: token }));
      else if (type === "auth_ok") end();
      else
        end(new TokenRefused(`Home Assistant refuses the token (${message}): create one on the page of your profile`));
    });
  });
}

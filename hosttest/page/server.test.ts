/* The page's server, which serves only this computer's own page. Also the plug that cuts a device off. */
import { get, type OutgoingHttpHeaders } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Plug } from "../../boards/desktop/network/plug.js";
import { TCP } from "../../boards/desktop/network/tcp.js";
import { isOwnPage, PageServer } from "../../boards/desktop/page/server/page-server.js";
import { parseMessage } from "../../boards/desktop/page/server/parse-message.js";
import { PromptLine } from "../../boards/desktop/page/server/prompt-line.js";

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(heard: string[] = []): Promise<string> {
  const server = new PageServer({ greet: () => "hello", onMessage: (text) => heard.push(text) });
  await server.listen(0);
  closers.push(() => server.close());
  return server.url.replace("http://localhost:", "");
}

function status(port: string, path: string, headers: OutgoingHttpHeaders): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", reject);
  });
}

describe("who is answered", () => {
  test("a page of this server, by its two names; a foreign Host or Origin is refused", async () => {
    const port = await serve();
    const own = `localhost:${port}`;
    expect(await status(port, "/nothing", { host: own })).toBe(404);
    expect(await status(port, "/nothing", { host: `127.0.0.1:${port}` })).toBe(404);
    expect(await status(port, "/nothing", { host: own, origin: `http://${own}` })).toBe(404);
    for (const headers of [
      { host: "evil.example" },
      { host: `evil.example:${port}` },
      { host: "localhost" },
      { host: own, origin: "http://evil.example" },
      { host: own, origin: "null" },
      { host: own, origin: `http://127.0.0.1:${port}` },
    ]) {
      expect(await status(port, "/", headers), JSON.stringify(headers)).toBe(403);
    }
  });

  test("at port 80, which browsers leave out, and at no other port without it", () => {
    const origin = "http://localhost";
    expect(isOwnPage({ host: "localhost", origin }, 80)).toBe(true);
    expect(isOwnPage({ host: "127.0.0.1" }, 80)).toBe(true);
    expect(isOwnPage({ host: "localhost:80", origin: "http://localhost:80" }, 80)).toBe(true);
    expect(isOwnPage({ host: "localhost" }, 8419)).toBe(false);
    expect(isOwnPage({ host: "evil.example" }, 80)).toBe(false);
    expect(isOwnPage({ host: "localhost", origin: "http://evil.example" }, 80)).toBe(false);
  });

  test("the same on the WebSocket", async () => {
    const heard: string[] = [];
    const port = await serve(heard);
    const outcome = (origin: string, path = "/live"): Promise<string> =>
      new Promise((resolve) => {
        const socket = new WebSocket(`ws://localhost:${port}${path}`, { origin });
        socket.on("message", (data) => {
          socket.send("x");
          socket.close();
          resolve(String(data));
        });
        socket.on("error", ({ message }) => resolve(message));
      });
    expect(await outcome(`http://localhost:${port}`)).toBe("hello");
    expect(await outcome("http://evil.example")).toContain("403");
    expect(await outcome(`http://localhost:${port}`, "/other")).toContain("403");
    await expect.poll(() => heard).toEqual(["x"]);
  });

  test("messages from a browser are accepted if they are valid, and within limits", () => {
    const act = (action: unknown): unknown => parseMessage(JSON.stringify({ type: "device", id: "a", action }));
    expect(act({ do: "hold", quantity: "temperature", value: 30 })).toBeDefined();
    expect(act({ do: "cut", when: "nextWrite" })).toBeDefined();
    expect(parseMessage('{"type":"broker","action":"kill"}')).toBeDefined();
    for (const wrong of [
      { do: "hold", quantity: "temperature", value: 1e9 },
      { do: "hold", quantity: "pressure", value: 1 },
      { do: "pace", seconds: 0 },
      { do: "network", on: "yes" },
      { do: "keys", text: "x".repeat(20_000) },
      { do: "format" },
      null,
    ]) {
      expect(act(wrong), JSON.stringify(wrong)?.slice(0, 80)).toBeUndefined();
    }
    for (const wrong of ["", "[]", "null", '{"type":"broker","action":"x"}', '{"type":"device"}']) {
      expect(parseMessage(wrong), wrong).toBeUndefined();
    }
  });
});

test("a pulled plug: the device notices, the other end is not notified; plugged in, new connections are opened", async () => {
  let peer: Socket | undefined;
  let came = "";
  let hasEnded = false;
  const server = createServer((socket) => {
    peer ??= socket;
    socket.on("data", (text) => {
      came += text;
    });
    socket.on("end", () => {
      if (socket === peer) hasEnded = true;
    });
    socket.on("error", () => {});
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  closers.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const plug = new Plug();
  const Class = plug.socketOf(TCP);
  const events: string[] = [];
  const open = (name: string): Promise<InstanceType<typeof Class>> =>
    new Promise((resolve) => {
      const socket = new Class({
        host: "127.0.0.1",
        port,
        format: "buffer",
        onReadable: () => events.push(`${name} readable`),
        onWritable: () => setImmediate(() => resolve(socket)),
        onError: (reason) => {
          events.push(`${name} ${reason}`);
          resolve(socket);
        },
      });
    });
  const first = await open("first");
  first.write(Buffer.from("before "));
  await expect.poll(() => came).toBe("before ");
  plug.out();
  first.write(Buffer.from("lost "));
  await expect.poll(() => events).toEqual(["first undefined"]);
  first.close();
  (await open("second")).close();
  peer?.write("not heard");
  plug.in();
  const third = await open("third");
  third.write(Buffer.from("after"));
  await expect.poll(() => came).toBe("before after");
  expect(hasEnded).toBe(false);
  expect(events).toEqual(["first undefined", "second unreachable"]);
  third.close();
  peer?.destroy();
});

test("a prompt without a terminal behind it: keys from the page, text to the page while there is power, over two lives", async () => {
  const line = new PromptLine();
  const texts: string[] = [];
  let isOn = true;
  line.onText = (text) => texts.push(text);
  const { io } = line.over(undefined, () => isOn);
  for (const life of ["one", "two"]) {
    let readable = 0;
    let writable = 0;
    const port = new io({
      format: "buffer",
      onReadable: (bytes) => {
        readable = bytes;
      },
      onWritable: (bytes) => {
        writable = bytes;
      },
    });
    await expect.poll(() => writable).toBeGreaterThan(0);
    line.type(life);
    expect(readable).toBe(3);
    const buffer = new Uint8Array(3);
    port.read(buffer);
    port.write(buffer);
    isOn = false;
    port.write(buffer);
    isOn = true;
    port.close();
    line.type("no one reads this");
  }
  expect(texts).toEqual(["one", "two"]);
  expect(line.kept).toBe("onetwo");
});

/* The check of the linked archive, on small archives made here. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { gaps, importsIn, readArchive, resolve, undeclared, unused } from "./archive.js";

const CODE = Buffer.from("\0\0\0\x1eXS_B\0\0\0\x0aVERS\x11\x07\0\0\0\x0cCODE\x01\x02\x03\x04", "latin1");

/** A folder as mcconfig leaves it. `modules`: source texts by specifier; the first is preloaded. */
function build(modules: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "archive-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const write = (path: string, content: string | Buffer): string => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
    return join(folder, path);
  };
  const entries = Object.entries(modules);
  const row = (specifier: string, code: number): string =>
    `\t{ NULL, NULL, 0, ${code === 0 ? "NULL" : `(txS1*)gxCode${code}`}, ${code}, NULL, 0, "${specifier}", { XS_MAJOR_VERSION } },\n`;
  const rows = entries.map(([specifier], at) => row(specifier, at * 100));
  write(
    "mc.xs.c",
    `#define mxHeapCount 40\n#define mxStackCount 2\nstatic const txScript gxScripts[mxScriptsCount] = {\n${rows.join("")}\n};\n`,
  );
  const rules = entries.map(([specifier, source]) => {
    const file = specifier.replace(/^(\w+):/, "~.$1/");
    write(`modules/${file}.xsb`, CODE);
    return `$(MODULES_DIR)/${file}.xsb: ${write(`js/${file}.js`, source)}\n`;
  });
  write("makefile", rules.join(""));
  return folder;
}

test("a complete archive has no gaps; sizes and slots are read", () => {
  const archive = readArchive(
    build({
      "src/outbox/log": 'import { crc } from "./crc.js";\n',
      "src/main": 'import { board } from "board";\nimport {\n  Log,\n} from "./outbox/log.js";\n',
      "src/outbox/crc": "export const crc = 1;\n",
      board: 'import I2C from "embedded:io/i2c";\n',
      "embedded:io/i2c": "export default 1;\n",
    }),
  );
  expect(gaps(archive)).toEqual([]);
  expect(archive.slots).toBe(42);
  expect(archive.modules[0]).toMatchObject({ specifier: "src/outbox/log", isPreloaded: true, codeBytes: 4 });
  expect(archive.modules[1]).toMatchObject({ specifier: "src/main", isPreloaded: false, codeBytes: 100 });
});

test("a module that links without another is named, with the one that it misses", () => {
  const archive = readArchive(
    build({ "src/main": 'import { Log } from "./outbox/log.js";\nexport { x } from "timer";\n' }),
  );
  expect(gaps(archive)).toEqual([
    { importer: "src/main", specifier: "src/outbox/log" },
    { importer: "src/main", specifier: "timer" },
  ]);
});

test("what no import reaches is named, a module that only such a one imports too", () => {
  const archive = readArchive(
    build({
      "src/main": 'import { Log } from "./outbox/log.js";\n',
      "src/outbox/log": 'import "timer";\n',
      timer: "",
      sntp: 'import Socket from "socket";\nimport Timer from "timer";\n',
      socket: 'import SNTP from "sntp";\n',
    }),
  );
  expect(unused(archive, ["src/main"]).map(({ specifier }) => specifier)).toEqual(["sntp", "socket"]);
});

test("a C file that names the class of a module that is left out is named", () => {
  const folder = build({ "src/main": "" });
  const write = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  write("mc.xs.h", "extern void xs_tcp_destructor(void* data);\n");
  const late = write(
    "tcp.c",
    "hooks = { xs_tcp_destructor, xs_listener_destructor_ };\nvoid xs_listener_destructor_(void *data) {}\n",
  );
  const own = write(
    "udp.c",
    "void xs_udp_destructor(void *data) {}\n// not xs_old_destructor\nhooks = { xs_udp_destructor };\n",
  );
  const rules = [late, own].map((file, at) => `$(TMP_DIR)/${at}.c.xsi: ${file}\n\txsid ${file}\n`);
  write("makefile", rules.join(""));
  expect(undeclared(folder)).toEqual([{ file: late, destructor: "xs_listener_destructor_" }]);
});

test("a folder without a build is an error of one line", () => {
  const folder = mkdtempSync(join(tmpdir(), "archive-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  expect(() => readArchive(folder)).toThrow(/^\S+: no mc\.xs\.c in it; run mcconfig first$/);
});

test("names are resolved as XS does: by the importer's name, without .js, never above the root", () => {
  expect(resolve("./flash.js", "src/outbox/outbox")).toBe("src/outbox/flash");
  expect(resolve("../board.js", "src/outbox/outbox")).toBe("src/board");
  expect(resolve("timer", "src/outbox/outbox")).toBe("timer");
  expect(resolve("../../x.js", "src/main")).toBe("(above the root) ../../x");
});

test("imports are found at the beginnings of statements, over several lines, and not in comments", () => {
  const source = `import a, { b } from "a";
import "b";
export * from './c.js';
import {
  d,
} from "d";
/*
 * import e from "e";
 */
export const text = "from f";
export function g() { return "g"; }
`;
  expect(importsIn(source)).toEqual(["a", "b", "./c.js", "d"]);
});

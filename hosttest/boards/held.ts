/*
 * The values of the top-level names of preloaded modules. On a device the linker evaluates them and puts them into flash; here the modules
 * run on Node, with stand-ins for the SDK's.
 */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { build, type Plugin } from "esbuild";
import ts from "typescript";
import { Hardware, standIns } from "./sdk.js";

/** A top-level name of a module, or something that is reached from one: `src/settings/schema: schema[3].type`. */
export interface Held {
  readonly path: string;
  readonly value: unknown;
  /** Declared with `let` or `var`. */
  readonly isVariable: boolean;
}

type Holder = Readonly<Record<string, unknown>>;

/** Runs the modules at `paths` (from `top`) and returns what they hold. */
export async function heldBy(top: string, paths: readonly string[]): Promise<Held[]> {
  const { outputFiles } = await build({
    stdin: { contents: paths.map((path) => `import "./${path}";`).join("\n"), resolveDir: top },
    bundle: true,
    write: false,
    format: "iife",
    target: "node20",
    plugins: [standIns, reporting(top)],
  });
  const found: Held[] = [];
  const report = (module: string, constants: Holder, variables: Holder): void => {
    for (const isVariable of [false, true]) {
      for (const [name, value] of Object.entries(isVariable ? variables : constants)) {
        found.push({ path: `${module}: ${name}`, value, isVariable });
      }
    }
  };
  const native = () => (): void => {};
  const run = new Function("hw", "trace", "System", "native", "report", outputFiles[0].text);
  run(new Hardware(), () => {}, {}, native, report);
  return found;
}

/** Values that the linker would leave changeable, with an alias in each machine's RAM: "not frozen", "no const". */
export function notFrozen(held: readonly Held[]): string[] {
  const seen = new Set<object>([Object.prototype, Array.prototype]);
  return held.flatMap(({ path, value, isVariable }) => [
    ...(isVariable ? [`${path}: no const`] : []),
    ...openIn(value, path, seen),
  ]);
}

/** xsl freezes functions, classes, prototypes and these by itself (xslSlot.c, fxPrepareHeap). */
const FROZEN_BY_LINKER = [Map, Set, WeakMap, WeakSet, ArrayBuffer, DataView, Object.getPrototypeOf(Uint8Array), RegExp];

function openIn(value: unknown, path: string, seen: Set<object>): string[] {
  if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return [];
  seen.add(value);
  if (FROZEN_BY_LINKER.some((kind) => value instanceof kind)) return [];
  const isOpen = typeof value === "object" && !Object.isFrozen(value) && value.constructor?.prototype !== value;
  return [
    ...(isOpen ? [`${path}: not frozen`] : []),
    ...Object.entries(Object.getOwnPropertyDescriptors(value)).flatMap(([name, property]) =>
      openIn(property.value, Array.isArray(value) ? `${path}[${name}]` : `${path}.${name}`, seen),
    ),
  ];
}

/** Adds a call to each module of ours that reports its names once it has run. */
function reporting(top: string): Plugin {
  return {
    name: "report",
    setup({ onLoad }) {
      onLoad({ filter: /\/(?:src|boards)\/.*\.ts$/ }, ({ path }) => {
        const text = readFileSync(path, "utf8");
        const { constants, variables } = namesIn(text);
        const module = relative(top, path).replace(/\.ts$/, "");
        const call = `report(${JSON.stringify(module)}, { ${constants.join()} }, { ${variables.join()} });`;
        return { contents: `${text}\n${call}`, loader: "ts", resolveDir: join(path, "..") };
      });
    },
  };
}

const isDeclare = (modifier: ts.Modifier): boolean => modifier.kind === ts.SyntaxKind.DeclareKeyword;

function namesIn(text: string): { constants: string[]; variables: string[] } {
  const constants: string[] = [];
  const variables: string[] = [];
  for (const statement of ts.createSourceFile("", text, ts.ScriptTarget.Latest).statements) {
    if (ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some(isDeclare)) continue;
    if (ts.isClassDeclaration(statement) && statement.name !== undefined) constants.push(statement.name.text);
    if (!ts.isVariableStatement(statement)) continue;
    const isConstant = (statement.declarationList.flags & ts.NodeFlags.Const) !== 0;
    for (const { name } of statement.declarationList.declarations) {
      if (ts.isIdentifier(name)) (isConstant ? constants : variables).push(name.text);
    }
  }
  return { constants, variables };
}

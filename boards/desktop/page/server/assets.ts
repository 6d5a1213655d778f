/*
 * The files of the page: bundled from the sources beside this when the first browser asks, and kept in memory. Nothing comes from
 * anywhere else.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { topFolder } from "../../../xs/engine/build.js";

const CLIENT = join(topFolder, "boards", "desktop", "page", "client");

export interface Asset {
  readonly type: string;
  readonly body: Uint8Array;
}

let bundled: Promise<Map<string, Asset>> | undefined;

/** By path, "/" first of all. @throws esbuild's error */
export function assets(): Promise<Map<string, Asset>> {
  bundled ??= bundle();
  return bundled;
}

async function bundle(): Promise<Map<string, Asset>> {
  const [html, icon, { outputFiles }] = await Promise.all([
    readFile(join(CLIENT, "index.html")),
    readFile(join(CLIENT, "icon.svg")),
    build({
      entryPoints: [join(CLIENT, "page.tsx")],
      outdir: "/",
      write: false,
      bundle: true,
      minify: true,
      format: "esm",
      target: "es2022",
      jsx: "automatic",
      jsxImportSource: "preact",
      logLevel: "silent",
      tsconfigRaw: {},
    }),
  ]);
  const files = new Map<string, Asset>([
    ["/", { type: "text/html; charset=utf-8", body: html }],
    ["/icon.svg", { type: "image/svg+xml", body: icon }],
  ]);
  for (const { path, contents } of outputFiles) {
    const isStyle = path.endsWith(".css");
    files.set(isStyle ? "/page.css" : "/page.js", {
      type: isStyle ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8",
      body: contents,
    });
  }
  return files;
}

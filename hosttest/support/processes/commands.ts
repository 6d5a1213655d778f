/*
 * Commands of the machine: where one is, and what it prints.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A program, or why it is not to be had and what helps. */
export type Found = { readonly command: string } | { readonly missing: string };

/** The file of a command, or undefined. */
export function commandFile(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/go/bin", "/usr/lib/go/bin"];
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

/** What a command prints, both streams, and how it ends; 1 where it cannot be started. */
export async function run(
  command: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ code: number; output: string }> {
  const child = spawn(command, words, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text) => {
      output += text;
    });
  }
  try {
    const [code] = await once(child, "close");
    return { code: code ?? 1, output };
  } catch (error) {
    return { code: 1, output: String(error) };
  }
}

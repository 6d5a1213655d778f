/*
 * Commands of this computer: finds and runs them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A program, or why it is not available, with the remedy. */
export type Found = { readonly command: string } | { readonly missing: string };

/** The file of a command, or undefined. */
export function commandFile(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/go/bin", "/usr/lib/go/bin"];
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

/** Output of a command, both streams, and its exit code; 1 if it cannot be started. */
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

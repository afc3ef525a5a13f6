import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { COMPILED } from "./compiled.ts";

const SOURCE = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

/** Runs a command of the command line to its end, in a directory, without the environment of the tests. */
export async function runSluice(directory: string, ...args: readonly string[]) {
  const child = spawn(process.execPath, [SOURCE, ...args], {
    cwd: directory,
    env: COMPILED,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { stdout, stderr, code: Number(code) };
}

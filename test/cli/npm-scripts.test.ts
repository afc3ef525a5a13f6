import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "@jest/globals";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const directory = temporaryDirectories();

const started: ChildProcess[] = [];
afterAll(() => {
  for (const { pid = 0 } of started) {
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // All have ended, as they must.
    }
  }
});

/** Runs npm as a user does. Its children inherit its output, so `gone` resolves when the last one has ended. */
function npm(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn("npm", args, {
    cwd: root,
    env: { PATH, HOME, SLUICE_PORT: "0", SLUICE_DATA: join(directory(), "data"), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // Its own process group: a signal reaches npm alone, and the test can end whatever is left behind.
    detached: true,
  });
  started.push(child);
  const lines: string[] = [];
  const outputs = [child.stdout, child.stderr].map((input) => createInterface(input));
  for (const output of outputs) output.on("line", (line) => lines.push(line));
  /** The first line that matches. */
  const said = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      for (const output of outputs) output.on("line", (line) => pattern.test(line) && resolve(line));
      child.once("close", () => reject(new Error(`npm ended: ${lines.join("\n")}`)));
    });
  return { child, lines, said, gone: once(child, "close") };
}

/** Rejects when the port is in use. */
async function bind(port: number): Promise<void> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  server.close();
}

describe("a signal to npm alone", () => {
  // npm forwards the first two; the others end it silently.
  const signals = ["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL"] as const;
  const cases = signals.flatMap((signal) => [
    { signal, args: ["start"] },
    { signal, args: ["run", "sluice", "--", "serve"] },
  ]);
  test.each(cases)("$signal shuts down what npm $args started, and frees its port", async ({ signal, args }) => {
    const run = npm(args);
    const { url } = JSON.parse(await run.said(/"event":"started"/));
    run.child.kill(signal);
    await run.gone;
    expect(run.lines.at(-1)).toContain('"event":"stopped"');
    await bind(Number(new URL(url).port));
  });

  test.each(signals)("%s ends a benchmark", async (signal) => {
    const run = npm(["run", "bench", "--", "relay", "--rows", "direct,sluice"]);
    await run.said(/run 1 of/);
    run.child.kill(signal);
    await run.gone;
    expect(run.child.signalCode ?? run.child.exitCode).not.toBe(0);
  });
});

test("Ctrl+C, which npm receives and forwards too, shuts the gateway down cleanly", async () => {
  const run = npm(["start"]);
  await run.said(/"event":"started"/);
  process.kill(-(run.child.pid ?? 0), "SIGINT");
  await run.gone;
  expect(run.lines.at(-1)).toContain('"event":"stopped"');
  expect(run.child.exitCode).toBe(0);
});

test("a start leaves its compiled code for the next one, beside the packages or where NODE_COMPILE_CACHE says", async () => {
  const beside = join(root, "node_modules/.cache/sluice");
  const elsewhere = join(directory(), "compiled");
  rmSync(beside, { recursive: true, force: true });
  for (const [place, env] of [
    [beside, {}],
    [elsewhere, { NODE_COMPILE_CACHE: elsewhere }],
  ] as const) {
    const run = npm(["start"], env);
    await run.said(/"event":"started"/);
    run.child.kill("SIGINT");
    await run.gone;
    expect(globSync("*/*", { cwd: place }).length).toBeGreaterThan(100);
  }
});

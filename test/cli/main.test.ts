import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "@jest/globals";
import manifest from "../../package.json" with { type: "json" };
import { COMPILED } from "../support/gateways/compiled.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();
const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
});

/** Starts `sluice` as a process in a fresh directory with `file` as its configuration. */
function start(args: readonly string[], file: unknown = {}) {
  const cwd = directory();
  writeFileSync(join(cwd, "sluice.config.json"), JSON.stringify(file));
  const child = spawn(process.execPath, [main, ...args], { cwd, env: COMPILED, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  return { child, exit: once(child, "exit"), stderr: text(child.stderr) };
}

/** The address it prints. */
async function addressOf({ child, stderr }: ReturnType<typeof start>): Promise<string> {
  for await (const line of createInterface(child.stdout)) {
    const [, url] = /listens on (\S+)/.exec(line) ?? [];
    if (url) return url;
  }
  throw new Error(`it did not start: ${await stderr}`);
}

const anyPort = { listen: { port: 0 }, log: { pretty: true }, data: { store: "memory" } };

describe("the program", () => {
  test("prints the version of its package", async () => {
    const { child, exit } = start(["--version"]);
    expect(await text(child.stdout)).toBe(`${manifest.version}\n`);
    expect(await exit).toEqual([0, null]);
  });

  test("exits with 1 and the reason when the configuration is wrong", async () => {
    const { exit, stderr } = start(["check"], { listen: { port: -1 } });
    expect(await exit).toEqual([1, null]);
    expect(await stderr).toBe("sluice: sluice.config.json: 1 problem\n  listen.port: found -1, expected at least 0\n");
  });

  test("survives a reader that closes its output early", async () => {
    const { child, exit, stderr } = start(["check"], { limits: { connections: 100, openStreams: 100 } });
    child.stdout.destroy();
    expect(await exit).toEqual([0, null]);
    expect(await stderr).toBe("");
  });

  test.each(["SIGTERM", "SIGINT"] as const)("serves until %s, then exits with 0", async (signal) => {
    const sluice = start([], anyPort);
    const url = await addressOf(sluice);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    sluice.child.kill(signal);
    expect(await sluice.exit).toEqual([0, null]);
    expect(await sluice.stderr).toBe("");
  });

  test("names the port that is in use", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const { exit, stderr } = start(["serve", "--port", String(port)], anyPort);
    expect(await exit).toEqual([1, null]);
    expect(await stderr).toBe(
      `sluice: port ${port} is in use: set SLUICE_PORT or --port to another one, or to 0 for any free port\n`,
    );
    other.close();
  });
});

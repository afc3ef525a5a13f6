import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { install, nodePackages, olderNode, pack } from "../support/gateways/packed.ts";
import { turnsUntil } from "../support/jest/turns-until.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();
const older = olderNode();
const suite = older === undefined ? describe.skip : describe;
const OLDER = older ?? "";

suite(`the package on an older Node${older === undefined ? " (skipped: there is none here)" : ""}`, () => {
  let alone = "";
  let withNode = "";
  beforeAll(() => {
    const packed = pack(directory());
    alone = directory();
    withNode = directory();
    install(packed, alone);
    install(packed, withNode, nodePackages());
  });

  /** Starts the command below `project`, in a process group of its own, as a shell does. */
  function start(project: string, args: readonly string[] = []) {
    const program = join(project, "node_modules/sluice/dist/src/main.js");
    const env = { SLUICE_PORT: "0", SLUICE_DATA: join(project, "data"), PATH: "/usr/bin:/bin" };
    const child = spawn(OLDER, [program, ...args], { cwd: project, env, detached: true });
    child.stdin.end();
    return { child, exit: once(child, "exit"), stderr: text(child.stderr) };
  }

  async function started({ child }: ReturnType<typeof start>): Promise<{ readonly url: string }> {
    const [line = ""] = await once(createInterface(child.stdout), "line");
    return JSON.parse(line);
  }

  /** Resolves when nothing accepts connections there any more. */
  async function closed(url: string): Promise<void> {
    await turnsUntil(() =>
      fetch(url).then(
        () => false,
        () => true,
      ),
    );
  }

  test("serves on the Node that was installed with it", async () => {
    const sluice = start(withNode);
    const { url } = await started(sluice);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    // The start page's client is the built one, which imports nothing.
    const client = await fetch(`${url}/client/index.js`);
    expect(client.status).toBe(200);
    expect(await client.text()).not.toMatch(/ from "/);
    sluice.child.kill("SIGTERM");
    expect(await sluice.exit).toEqual([0, null]);
    expect(await sluice.stderr).toBe("");
  });

  test("stops cleanly when a terminal's Ctrl+C reaches the command and the Node it started", async () => {
    const sluice = start(withNode);
    await started(sluice);
    process.kill(-(sluice.child.pid ?? 0), "SIGINT");
    expect(await sluice.exit).toEqual([0, null]);
  });

  test("leaves no gateway behind when the command is killed", async () => {
    const sluice = start(withNode);
    const { url } = await started(sluice);
    sluice.child.kill("SIGKILL");
    await sluice.exit;
    await closed(url);
  });

  test("passes on the exit code and what is written", async () => {
    const version = start(withNode, ["--version"]);
    expect(await text(version.child.stdout)).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(await version.exit).toEqual([0, null]);
    const wrong = start(withNode, ["--nonsense"]);
    expect(await wrong.exit).toEqual([2, null]);
    expect(await wrong.stderr).toContain("sluice: Unknown option '--nonsense'");
  });

  test("says in one line what to do when that Node is missing", async () => {
    const sluice = start(alone);
    expect(await sluice.exit).toEqual([1, null]);
    expect(await sluice.stderr).toMatch(
      /^sluice: Node 24 or newer is needed, this is 2\d\.\S+\. Install it from https:\/\/nodejs\.org, or .*optional dependencies.*\n$/,
    );
  });

  /** Runs a module there; its standard output. */
  function run(source: string): string {
    writeFileSync(join(alone, "program.mjs"), source);
    const { stdout, stderr } = spawnSync(OLDER, ["program.mjs"], { cwd: alone, encoding: "utf8" });
    expect(stderr).toBe("");
    return stdout;
  }

  test("embedding rejects with the version that is needed", () => {
    const said = run(`
      import { createGateway } from "sluice";
      await createGateway({ listen: { port: 0 } }).catch((error) => console.log(error.message));`);
    expect(said).toMatch(/^sluice: a gateway needs Node 24 or newer, this is 2\d\./);
  });

  test("the protocol can be used", () => {
    const said = run(`
      import { CODES, ServerFrame, STREAM_PATH } from "sluice/protocol";
      console.log(STREAM_PATH, CODES.overloaded.httpStatus, ServerFrame.safeParse({ type: "tick", ts: 1 }).success);`);
    expect(said).toBe("/v1/stream 503 true\n");
  });

  test("the client can be loaded", () => {
    expect(run('import { connect } from "sluice/client"; console.log(typeof connect);')).toBe("function\n");
  });

  test("is accepted by npm there", () => {
    const { engines } = JSON.parse(readFileSync(join(alone, "node_modules/sluice/package.json"), "utf8"));
    expect(engines).toEqual({ node: ">=20.16" });
  });
});

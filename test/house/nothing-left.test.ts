/** What suites leave behind: nothing. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { turnsUntil } from "../support/jest/turns-until.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";

const newDirectory = temporaryDirectories();
const from = (name: string) => JSON.stringify(fileURLToPath(new URL(`../support/${name}`, import.meta.url)));

/** Runs a module's text in a process with a temporary directory of its own. */
const run = (source: string) =>
  spawn(process.execPath, ["--no-warnings", "--input-type=module", "-e", source], {
    env: { TMPDIR: newDirectory() },
    stdio: ["ignore", "pipe", "inherit"],
  });

/** A suite in its environment that makes a directory, starts a process in it, and leaves both; prints how it ends. */
const suite = (events: readonly string[]) => `
  import { spawn } from "node:child_process";
  import { existsSync, mkdtempSync } from "node:fs";
  import { tmpdir } from "node:os";
  import SuiteEnvironment from ${from("jest/suite-environment.ts")};
  const config = { globals: {}, testEnvironmentOptions: {} };
  const usual = tmpdir();
  const environment = new SuiteEnvironment({ projectConfig: config, globalConfig: config }, { console, docblockPragmas: {}, testPath: "a.test.ts" });
  await environment.setup();
  const left = mkdtempSync(tmpdir() + "/sluice-");
  const process = spawn("sleep", ["600"], { cwd: left });
  for (const name of ${JSON.stringify(events)}) environment.handleTestEvent({ name });
  const complaint = await environment.teardown().then(() => "none", (error) => error.message);
  const signal = await new Promise((ended) => process.on("exit", (_code, signal) => ended(signal)));
  console.log(JSON.stringify({ complaint, signal, removed: !existsSync(left), own: tmpdir() === usual }));
`;

const onLinux = existsSync("/proc/self/cwd") ? describe : describe.skip;

onLinux("a suite that leaves a directory and a process in it", () => {
  const done = { signal: "SIGKILL", removed: true, own: true };

  test("fails for it if its tests passed, and both are gone", async () => {
    const seen = JSON.parse(await text(run(suite(["test_start", "test_fn_success"])).stdout));
    expect(seen).toEqual({ ...done, complaint: expect.stringMatching(/^the suite leaves behind sluice-\w+$/) });
  });

  test.each(["test_fn_failure", "hook_failure"])(
    "is told of nothing else after a %s; both are gone",
    async (failure) => {
      const seen = JSON.parse(await text(run(suite(["test_start", failure])).stdout));
      expect(seen).toEqual({ ...done, complaint: "none" });
    },
  );
});

const withSetpriv = existsSync("/usr/bin/setpriv") ? test : test.skip;

withSetpriv("a gateway that a test started ends with the test's process, even if that is killed", async () => {
  const child = run(`
    import { startSluice, configFor } from ${from("gateways/sluice-process.ts")};
    console.log((await startSluice(configFor("http://127.0.0.1:9"))).pid);
  `);
  const [line] = await once(createInterface(child.stdout), "line");
  child.kill("SIGKILL");
  await turnsUntil(() => !existsSync(`/proc/${line}/cwd`));
});

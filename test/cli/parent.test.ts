import { describe, expect, test } from "@jest/globals";
import { LAUNCHER } from "../../src/cli/older-node.ts";
import { echoMs, forwarderGone } from "../../src/cli/parent.ts";

const fromNpm = { npm_lifecycle_event: "start", npm_package_name: "sluice" };

/** Resolves with its name when its parent counts as gone, after the parent id changed. */
function orphaned(name: string, env: Readonly<Record<string, string>>, lookMs: number): Promise<string> {
  const child = { env, ppid: 7 };
  const gone = forwarderGone(child, "sluice", lookMs);
  child.ppid = 1;
  return gone.then(() => name);
}

test("signals are expected twice from npm and from the launcher, and once from anybody else", () => {
  const times = (env: Readonly<Record<string, string>>) => echoMs({ env, ppid: 7 }, "sluice");
  expect([times(fromNpm), times({ [LAUNCHER]: "7" })]).toEqual([500, 500]);
  // A variable that a grandchild inherited.
  expect([times({}), times({ [LAUNCHER]: "6" })]).toEqual([0, 0]);
});

describe("a vanished parent", () => {
  test("is recognised when it was the launcher", async () => {
    expect(await orphaned("this", { [LAUNCHER]: "7" }, 1)).toBe("this");
  });

  test("is recognised by a new parent id", async () => {
    expect(await orphaned("this", fromNpm, 1)).toBe("this");
  });

  test.each([
    ["nothing of npm", {}],
    ["a script of another package", { ...fromNpm, npm_package_name: "tools" }],
  ])("concerns nobody who was started by %s", async (_, env) => {
    expect(await Promise.race([orphaned("this", env, 1), orphaned("a witness, later", fromNpm, 20)])).toContain(
      "witness",
    );
  });
});

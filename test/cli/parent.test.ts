import { describe, expect, test } from "@jest/globals";
import { npmGone } from "../../src/cli/parent.ts";

const fromNpm = { npm_lifecycle_event: "start", npm_package_name: "sluice" };

/** Resolves with its name when npm counts as gone, after the parent id changed. */
function orphaned(name: string, env: Readonly<Record<string, string>>, lookMs: number): Promise<string> {
  const child = { env, ppid: 7 };
  const gone = npmGone(child, "sluice", lookMs);
  child.ppid = 1;
  return gone.then(() => name);
}

describe("a vanished npm parent", () => {
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

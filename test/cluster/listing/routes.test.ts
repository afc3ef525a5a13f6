import { expect, test } from "@jest/globals";
import { runRoutes } from "../../../src/cli/commands/routes.ts";
import { describeWithRedis } from "../../support/redis.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { nameOf, startTwoNodes } from "../../support/two-nodes.ts";

const newDirectory = temporaryDirectories();

describeWithRedis("the figures of targets in a cluster", (redis) => {
  test("are the answering node's own, which is named beside the table and in the JSON", async () => {
    const directory = newDirectory();
    await using nodes = await startTwoNodes(redis(), directory);
    for (const { url } of [nodes.a, nodes.b]) {
      const name = await nameOf({ url });
      const seen = { stdout: "", stderr: "" };
      const world = {
        ...{ env: {}, cwd: directory },
        stdout: { write: (text: string) => (seen.stdout = text) },
        stderr: { write: (text: string) => (seen.stderr = text) },
      };
      expect(await runRoutes(["--url", url], world)).toBe(0);
      expect(seen.stdout).toMatch(/^MODEL /);
      expect(seen.stderr).toBe(`sluice: these are the figures of the node ${name}; each has its own\n`);
      expect(await runRoutes(["--json", "--url", url], world)).toBe(0);
      expect(JSON.parse(seen.stdout)).toMatchObject({ node: name, targets: expect.any(Array) });
    }
  });
});

import { expect, test } from "@jest/globals";
import { runRoutes } from "../../../src/cli/commands/routes.ts";
import { nameOf, startTwoNodes } from "../../support/nodes/two-nodes.ts";
import { runCommand } from "../../support/openclaw/command-world.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const newDirectory = temporaryDirectories();

describeWithRedis("the figures of targets in a cluster", (redis) => {
  test("are the answering node's own, which is named beside the table and in the JSON", async () => {
    const directory = newDirectory();
    await using nodes = await startTwoNodes(redis(), directory);
    for (const { url } of [nodes.a, nodes.b]) {
      const name = await nameOf({ url });
      const routes = (...args: readonly string[]) => runCommand(runRoutes, [...args, "--url", url], { cwd: directory });
      expect(await routes()).toEqual({
        code: 0,
        stdout: expect.stringMatching(/^MODEL /),
        stderr: `sluice: these are the figures of the node ${name}; each has its own\n`,
      });
      const { code, stdout } = await routes("--json");
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ node: name, targets: expect.any(Array) });
    }
  });
});

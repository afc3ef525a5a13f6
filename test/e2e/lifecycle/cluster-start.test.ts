/** What an operator is told when a node cannot use its Redis. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { createClient } from "@redis/client";
import { runSluice } from "../../support/gateways/run-sluice.ts";
import { startSluice } from "../../support/gateways/sluice-process.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();

/** Looks for the driver where no package is, as after `npm ci --omit=optional`. */
const WITHOUT_DRIVER = `
  import { registerHooks } from "node:module";
  registerHooks({ resolve: (name, context, next) =>
    next(name, name === "@redis/client" ? { ...context, parentURL: "file:///none/here.js" } : context) });`;

const NOWHERE = "redis://ann:s3cret-word@127.0.0.1:1/3";

/** Runs a command in a directory with this Redis. */
async function sluice(redis: object, ...args: readonly string[]) {
  const cwd = directory();
  const data = { store: "sqlite", directory: join(cwd, "data"), shared: true };
  // As few as any system lets one open: check warns otherwise.
  const config = {
    demo: true,
    listen: { port: 0 },
    data,
    cluster: { redis },
    limits: { connections: 10, openStreams: 10 },
  };
  writeFileSync(join(cwd, "sluice.config.json"), JSON.stringify(config));
  return runSluice(cwd, ...args);
}

test.each(["serve", "check"])(
  "%s says in one line that Redis cannot be reached, without its password",
  async (command) => {
    const { stderr, stdout, code } = await sluice({ url: NOWHERE }, command);
    const sentence = "Redis at 127.0.0.1:1/3 cannot be used: connect ECONNREFUSED";
    expect(stderr).toBe(`sluice: ${command === "check" ? "warning: " : ""}${sentence}\n`);
    expect(stderr + stdout).not.toContain("s3cret-word");
    expect(code).toBe(command === "check" ? 0 : 1);
  },
);

test("without the driver the start says what to install", async () => {
  const data = { store: "sqlite", shared: true };
  const start = startSluice({ demo: true, data, cluster: { redis: { url: NOWHERE } } }, { preload: WITHOUT_DRIVER });
  await expect(start).rejects.toThrow(
    "it did not start: sluice: cluster.redis is set, and its driver, the optional package @redis/client, is not " +
      "installed: install without --omit=optional, or npm install @redis/client\n",
  );
});

describeWithRedis("sluice check with a Redis", (redis) => {
  test("warns of nothing when a node could use it, and leaves nothing there but what a probe wrote", async () => {
    const client = await createClient({ url: redis().url }).connect();
    const { stderr, code } = await sluice({ url: redis().url }, "check");
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(await client.keys("*")).toEqual(["sluice:probe"]);
    client.destroy();
  });

  test("warns of a user who may not do all that a cluster needs, and of the second Redis, too", async () => {
    const client = await createClient({ url: redis().url }).connect();
    await client.sendCommand(["ACL", "SETUSER", "weak", "on", ">s3cret-word", "~*", "+@all", "-@scripting"]);
    client.destroy();
    const weak = `redis://weak:s3cret-word@127.0.0.1:${redis().port}`;
    for (const cluster of [{ url: weak }, { url: redis().url, moneyUrl: weak }]) {
      const { stderr, code } = await sluice(cluster, "check");
      expect(stderr).toBe(
        `sluice: warning: Redis at 127.0.0.1:${redis().port} cannot be used: its user may not do all that a cluster needs (docs/cluster.md)\n`,
      );
      expect(code).toBe(0);
    }
  });
});

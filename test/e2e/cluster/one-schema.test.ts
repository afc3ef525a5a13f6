/** Two clusters on one schema would each grant every cap in full: the second is refused while a node of the first lives. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { startTestGateway, type TestGateway } from "../../support/gateways/gateway.ts";
import { runSluice } from "../../support/gateways/run-sluice.ts";
import { configFor, startSluice } from "../../support/gateways/sluice-process.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { openOn } from "../../support/relay/opened-stream.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const directory = temporaryDirectories();

const lineOf = ({ log }: TestGateway, event: string) => log.lines.find((line) => line.event === event);

describeWithPostgres("a schema", (server) => {
  describeWithRedis("of a cluster", (redis) => {
    const dataIn = (schema: string, shared = false, url = server().url) => ({
      store: "postgres",
      shared,
      postgres: { url, schema, connections: 4 },
    });
    /** A node of the cluster of this prefix, in the Redis' database of this number. */
    const node = (schema: string, prefix: string, database = 0) => ({
      data: dataIn(schema),
      cluster: { redis: { url: `${redis().url}/${database}`, prefix } },
    });
    const start = (config: Record<string, unknown>) => startTestGateway({ config });
    /** Why it does not start. */
    const refusalOf = async (config: Record<string, unknown>): Promise<unknown> => {
      await using started = await start(config).catch((error: unknown) => ({
        error,
        async [Symbol.asyncDispose]() {},
      }));
      if (!("error" in started)) throw new Error("it started");
      expect(started.error).toMatchObject({ code: "store_unavailable" });
      return (started.error as Error).message;
    };
    const inUse = (schema: string) =>
      `runs on the same schema (${schema} of PostgreSQL at 127.0.0.1:${server().port}/postgres): stop that, give both the same ` +
      "cluster.redis, or give each its own data.postgres.schema, because each of them grants every cap in full";
    const BY_ANOTHER = "is in use by another gateway: stop it";

    test("refuses nodes of another prefix or of another Redis, and gateways without one, while a node lives", async () => {
      const schema = freshSchema();
      const one = await start(node(schema, "one"));
      const others = [
        node(schema, "two"),
        node(schema, "one", 1),
        { data: dataIn(schema, true) },
        { data: dataIn(schema) },
      ];
      expect(await Promise.all(others.map(refusalOf))).toEqual([
        `cluster.redis.prefix is "two" here, and a node where it is "one" ${inUse(schema)}`,
        `cluster.redis.url is another Redis here, and a node of the same cluster.redis.prefix, "one", ${inUse(schema)}`,
        `cluster.redis is not set here, and a node whose cluster.redis.prefix is "one" ${inUse(schema)}`,
        expect.stringContaining(BY_ANOTHER),
      ]);
      for (const [config, told] of [
        [node(schema, "one"), ""],
        [node(schema, "two"), 'sluice: warning: cluster.redis.prefix is "two" here, and a node where it is "one"'],
      ] as const) {
        const cwd = directory();
        // As few as any system lets one open: check warns otherwise.
        const limits = { connections: 10, openStreams: 10 };
        writeFileSync(join(cwd, "sluice.config.json"), JSON.stringify({ ...config, limits }));
        const { stderr, code } = await runSluice(cwd, "check");
        expect({ stderr, code }).toEqual({ stderr: told && `${told} ${inUse(schema)}\n`, code: 0 });
      }
      // None of them left anything that keeps the cluster's own nodes out.
      await (await start(node(schema, "one"))).close();
      await one.close();
      await using _two = await start(node(schema, "two"));
      expect(server().ask(`SELECT prefix FROM ${schema}.gateways`)).toBe("two");
    });

    test("of gateways that share it without a cluster refuses nodes, and that of one alone does", async () => {
      const schema = freshSchema();
      const shared = { data: dataIn(schema, true) };
      const [one, other] = await Promise.all([start(shared), start(shared)]);
      expect(await refusalOf(node(schema, "one"))).toBe(
        `cluster.redis.prefix is "one" here, and a gateway without cluster.redis ${inUse(schema)}`,
      );
      await Promise.all([one.close(), other.close()]);
      await using _alone = await start({ data: dataIn(schema) });
      expect(await refusalOf(node(schema, "one"))).toContain(BY_ANOTHER);
    });

    test("takes all nodes of one cluster that start at once, and those of one of two", async () => {
      const schema = freshSchema();
      const started = await Promise.allSettled(
        ["one", "two", "one", "two"].map((prefix) => start(node(schema, prefix))),
      );
      expect(started.map(({ status }) => status === "fulfilled")).toEqual(
        expect.arrayContaining([true, false, true, false]),
      );
      const [first, second] = started.map(({ status }) => status);
      expect(started.map(({ status }) => status)).toEqual([first, second, first, second]);
      expect(first).not.toBe(second);
      for (const outcome of started) if (outcome.status === "fulfilled") await outcome.value.close();
    });

    test("keeps nobody out for a node that was killed", async () => {
      const schema = freshSchema();
      await using killed = await startSluice({ ...configFor("http://127.0.0.1:1"), ...node(schema, "one") });
      killed.kill("SIGKILL");
      await killed.exit;
      await using _other = await start(node(schema, "two"));
      expect(server().ask(`SELECT prefix FROM ${schema}.gateways`)).toBe("two");
    });

    test("knows a cluster again whose Redis has lost its data", async () => {
      const schema = freshSchema();
      await using one = await start(node(schema, "emptied", 2));
      await redis().ask("-n", "2", "FLUSHDB");
      // At once, when the first node does not know it yet.
      await using two = await start(node(schema, "emptied", 2));
      await turnsUntil(() => one.log.text.includes('"data_lost"'));
      const clusters = `SELECT count(*), count(DISTINCT cluster) FROM ${schema}.gateways`;
      await turnsUntil(() => server().ask(clusters) === "2|1");
      await using _three = await start(node(schema, "emptied", 2));
      expect([one, two].map((each) => lineOf(each, "fault"))).toEqual([undefined, undefined]);
    });

    test("that another cluster takes while a node is cut off is reported by that node, whose streams go on", async () => {
      const schema = freshSchema();
      server().ask("CREATE ROLE cut SUPERUSER LOGIN");
      await using upstream = await startScriptedUpstream();
      const data = dataIn(schema, false, server().url.replace("sluice@", "cut@"));
      await using one = await startTestGateway({
        upstream: upstream.url,
        config: { ...node(schema, "one"), data },
      });
      using opened = await openOn(one, upstream);
      server().ask("ALTER ROLE cut NOLOGIN");
      server().ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cut'");
      await using _two = await start(node(schema, "two"));
      server().ask("ALTER ROLE cut LOGIN");
      await turnsUntil(() => lineOf(one, "fault"));
      expect(lineOf(one, "fault")).toMatchObject({
        code: "store_unavailable",
        message: expect.stringContaining('cluster.redis.prefix is "one" here, and a node where it is "two"'),
      });
      opened.exchange.event("[DONE]").end();
      expect((await opened.client.rest("one")).end.status).toBe("completed");
      expect(one.log.lines.filter(({ event }) => event === "fault")).toHaveLength(1);
    });
  });
});

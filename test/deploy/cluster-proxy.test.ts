/** Two node processes on PostgreSQL and Redis behind a proxy with the file in deploy/cluster: what clients see when one dies or stops. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { SseClient } from "../support/clients/sse-client.ts";
import { StreamClient } from "../support/clients/stream-client.ts";
import { configFor, type SluiceProcess, startSluice } from "../support/gateways/sluice-process.ts";
import { turnsUntil } from "../support/jest/turns-until.ts";
import { accepts, clusterCaddy, clusterNginx, type FrontProxy } from "../support/network/front-proxy.ts";
import { describeWithPostgres } from "../support/stores/postgres.ts";
import { hasRedis, TestRedis } from "../support/stores/redis.ts";
import {
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from "../support/upstreams/scripted-upstream.ts";

const event = (content: string) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
/** As in deploy/cluster: a balancer that looks once a second has noticed by then. */
const LINGER_MS = 5_000;
const body = { messages: [{ role: "user", content: "Hi" }] };

describeWithPostgres("a cluster", (postgres) => {
  describe.each([clusterNginx, clusterCaddy])("behind $name", ({ name, missing, start }) => {
    const canRun = hasRedis && missing === undefined;
    const here = canRun ? test : test.skip;
    let redis: TestRedis;
    let upstream: ScriptedUpstream;
    let proxy: FrontProxy;
    const nodes: SluiceProcess[] = [];

    const configOf = (more: Readonly<Record<string, unknown>>) =>
      configFor(upstream.url, {
        data: {
          store: "postgres",
          postgres: { url: postgres().url, schema: `behind_${name.toLowerCase()}`, connections: 4 },
        },
        cluster: { redis: { url: redis.url } },
        ...more,
      });

    beforeAll(async () => {
      if (!canRun) return;
      redis = await TestRedis.start();
      upstream = await startScriptedUpstream();
      nodes.push(...(await Promise.all([startSluice(configOf({})), startSluice(configOf({}))])));
      proxy = await start(nodes[0]?.url ?? "", nodes[1]?.url ?? "");
    });
    afterAll(async () => {
      await proxy?.[Symbol.asyncDispose]();
      for (const node of nodes) await node[Symbol.asyncDispose]();
      await upstream?.[Symbol.asyncDispose]();
      await redis?.stop();
    });

    here("both nodes get work, and a node that is killed takes only its own streams along", async () => {
      const sockets = [];
      const answers = [];
      const exchanges: ScriptedExchange[] = [];
      const asked = async (shown: () => Promise<unknown>) => {
        exchanges.push((await upstream.request()).sse().event(event("Hel")));
        await shown();
      };
      for (let turn = 0; turn < 2; turn++) {
        const socket = await (await StreamClient.connect(proxy.url)).hello();
        socket.send({ type: "open", id: "a", model: "gpt", body });
        await asked(() => socket.take(({ type }) => type === "event"));
        sockets.push(socket);
        const chat = JSON.stringify({ model: "gpt", stream: true, ...body });
        const json = { "content-type": "application/json" };
        const answer = SseClient.open(`${proxy.url}/v1/chat/completions`, json, false, chat);
        await asked(async () => (await answer).take(({ data }) => data.includes("Hel")));
        answers.push(await answer);
      }
      const runs = await Promise.all(nodes.map(streamsOf));
      expect(runs[0]?.length).toBeGreaterThan(0);
      expect(runs[1]?.length).toBeGreaterThan(0);
      expect(runs.flat()).toHaveLength(4);

      nodes[0]?.kill("SIGKILL");
      await nodes[0]?.exit;
      // Whoever comes now is served by the other one, at once.
      const again = await (await StreamClient.connect(proxy.url)).hello();
      again.send({ type: "open", id: "b", model: "gpt", body });
      (await upstream.request()).sse().finishChat();
      expect((await again.rest("b")).end.status).toBe("completed");
      again.ws.close();

      for (const exchange of exchanges) exchange.event(event("lo")).finishChat();
      const ends = await Promise.all([
        ...sockets.map((socket) => Promise.race([socket.take(({ type }) => type === "end"), socket.closed])),
        ...answers.map(async (answer) =>
          (await answer.closed) && answer.text.includes("[DONE]") ? { status: "completed" } : { code: 1006 },
        ),
      ]);
      const whole = ends.filter((end) => "status" in end && end.status === "completed");
      const cut = ends.filter((end) => "code" in end && end.code === 1006);
      expect([cut.length, whole.length]).toEqual(runs.map((streams) => streams.length));
    });

    here("a node that stops ends what it runs, and no request after that meets it", async () => {
      await using stopping = await startSluice(configOf({ limits: { lingerMs: LINGER_MS } }));
      await using other = await startSluice(configOf({}));
      await using front = await start(stopping.url, other.url);
      const own = await (await StreamClient.connect(stopping.url)).hello();
      own.send({ type: "open", id: "a", model: "gpt", body });
      const long = (await upstream.request()).sse().event(event("Hel"));
      await own.take(({ type }) => type === "event");

      stopping.kill("SIGTERM");
      await turnsUntil(async () => !(await accepts(stopping.url)));
      const statuses = [];
      for (let turn = 0; turn < 8; turn++) {
        const answer = post(front.url);
        // Refused, it never reaches the upstream.
        const isAsked = await Promise.race([upstream.request(), answer]);
        if ("sse" in isAsked) isAsked.sse().finishChat();
        const { status } = await answer;
        statuses.push(status);
        if (status !== 200) break;
      }
      expect(statuses).toEqual(Array(8).fill(200));
      long.event(event("lo")).finishChat();
      expect((await own.rest("a")).end.status).toBe("completed");
      expect(await stopping.exit).toBe(0);
    });
  });
});

const post = (url: string): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt", stream: true, ...body }),
  });

/** The streams that a node runs itself: any node lists those of all. */
const streamsOf = async ({ url }: SluiceProcess): Promise<readonly unknown[]> => {
  const listed = (await (await fetch(`${url}/v1/streams`)).json()) as {
    readonly node: string;
    readonly streams: readonly { readonly node: string }[];
  };
  return listed.streams.filter(({ node }) => node === listed.node);
};

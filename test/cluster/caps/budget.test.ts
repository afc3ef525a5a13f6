import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "@jest/globals";
import { LEDGER_FILE } from "../../../src/storage/ledger/ledger-database.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { startCapped } from "./capped-gateways.ts";

const directory = temporaryDirectories();
const messages = [{ role: "user", content: "Hi" }];

const CAPS = { requestsPerMinute: 1_000, concurrentStreams: 37 };
const OF_TEAM = { team: { name: "red", caps: CAPS } };

const TOKEN = "the-operators-token-of-this-test-0123";

/** How many reservations a node shows in its metrics. */
async function holdsOf({ url }: { readonly url: string }): Promise<number> {
  const page = await (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } })).text();
  return Number(/^sluice_cluster_holds (\d+)$/m.exec(page)?.[1]);
}

describeWithRedis("three gateways with one Redis", (redis) => {
  test.each([
    ["of a key", { ci: CAPS }, undefined],
    ["of a team with three keys", { ci: OF_TEAM, dev: OF_TEAM, qa: OF_TEAM }, "red"],
  ])(
    "let 37 of 600 opens at once in where the caps %s have room for 37, and count what the provider did",
    async (_, keys, team) => {
      const path = directory();
      const names = Object.keys(keys);
      // The prompt counts a handful of tokens; an answer of 100 is asked for, and 40 come.
      await using up = await startCapped(path, keys, 3, redis().url, { auth: { token: TOKEN } });
      const [full, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      let counted = 0;
      up.upstream.respondWith(async (exchange) => {
        counted += 47;
        await release.promise;
        const usage = { prompt_tokens: 7, completion_tokens: 40, total_tokens: 47 };
        exchange.sse().event({ choices: [{ index: 0, delta: { content: "Hello" } }] });
        exchange.event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
        exchange.event({ choices: [], usage }).event("[DONE]").end();
      });
      const ask = async (index: number) => {
        const gateway = up.gateways[index % 3];
        const answer = await fetch(`${gateway?.url}/v1/chat/completions`, {
          method: "POST",
          headers: {
            authorization: `Bearer ${up.secret(names[(index >> 2) % names.length] ?? "")}`,
            "content-type": "application/json",
          },
          body: JSON.stringify({ model: "gpt", messages, max_tokens: 100, stream: true }),
        });
        await answer.text();
        return answer.status;
      };
      let refused = 0;
      const asked = Array.from({ length: 600 }, async (_, index) => {
        const status = await ask(index);
        if (status !== 200 && ++refused === 563) full.resolve();
        return status;
      });
      await full.promise;
      const holds = await Promise.all(up.gateways.map(holdsOf));
      expect(holds.reduce((sum, each) => sum + each, 0)).toBe(37);
      release.resolve();
      const statuses = await Promise.all(asked);
      expect(statuses.filter((status) => status === 200).length).toBe(37);
      expect(up.upstream.requests).toBe(37);
      for (const gateway of up.gateways) await gateway.close();
      using ledger = new DatabaseSync(join(path, LEDGER_FILE), { readOnly: true });
      const sums = ledger
        .prepare("SELECT count(*) AS rows, sum(input_tokens + output_tokens) AS tokens, max(team) AS team FROM streams")
        .get();
      expect(sums).toEqual({ rows: 37, tokens: counted, team: team ?? null });
    },
  );
});

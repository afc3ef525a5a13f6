import { expect, test } from "@jest/globals";
import type { Caps } from "../../../src/core/caller/caller.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { FACES, startCapped } from "./capped-gateways.ts";

const directory = temporaryDirectories();

const KEYS = {
  "for good": { tokensPerDay: 1 },
  "for a minute": { requestsPerMinute: 0 },
  "while others run": { concurrentStreams: 0 },
  "for its cost": { costPerDay: 1e-9 },
  "for its cost, while others run": { costPerDay: 1e-9, concurrentStreams: 0 },
};

/** The same, each as the caps of a team, whose keys have none. */
const TEAM_KEYS = Object.fromEntries(
  Object.entries(KEYS).map(([name, caps], at) => [`${name}, its team`, { team: { name: `team-${at}`, caps } }]),
);

const routes = {
  chat: { dialect: "openai-chat", baseUrl: "http://127.0.0.1:1/v1", key: "k", passThrough: ["POST /v1/embeddings"] },
  anthropic: { dialect: "anthropic-messages", baseUrl: "http://127.0.0.1:1", key: "k" },
  responses: { dialect: "openai-responses", baseUrl: "http://127.0.0.1:1/v1", key: "k" },
  gemini: { dialect: "google-gemini", baseUrl: "http://127.0.0.1:1/v1beta", key: "k" },
  plain: { dialect: "plain-sse", baseUrl: "http://127.0.0.1:1", key: "k" },
};

/** One gateway alone and one of a cluster, with the same keys. */
async function pair(redisUrl: string, keys: Parameters<typeof startCapped>[1], caps: Caps = {}) {
  const stack = new AsyncDisposableStack();
  const alone = stack.use(await startCapped(directory(), keys, 1, undefined, { routes, caps }));
  const together = stack.use(await startCapped(directory(), keys, 1, redisUrl, { routes, caps }));
  return { alone, together, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** What one process and a cluster answer on a face; the answers are the same. */
async function answer({ alone, together }: Awaited<ReturnType<typeof pair>>, key: string, face: string) {
  const ask = FACES[face];
  const expected = await ask?.(alone.gateways[0]?.url ?? "", alone.secret(key));
  const found = await ask?.(together.gateways[0]?.url ?? "", together.secret(key));
  expect([key, face, found]).toEqual([key, face, expected]);
  return JSON.stringify(found);
}

describeWithRedis("an open that the caps of a cluster refuse", (redis) => {
  test("is answered on every face as one process answers it, and runs nowhere", async () => {
    await using both = await pair(redis().url, { ...KEYS, ...TEAM_KEYS });
    for (const key of Object.keys({ ...KEYS, ...TEAM_KEYS })) {
      for (const face of Object.keys(FACES)) {
        // It counts no tokens.
        if (face !== "pass-through" || !key.startsWith("for good")) await answer(both, key, face);
      }
    }
    // Which codes, in any order: a line may come after the next answer's, and how many there are is a matter of windows of
    // ten seconds, whose repetitions are one line.
    const told = (lines: readonly Record<string, unknown>[]) =>
      lines
        .filter(({ event, repeated }) => (event === "refused" || event === "stream") && repeated === undefined)
        .map(({ event, code }) => `${event} ${code}`);
    const [here = [], there = []] = [both.alone, both.together].map(({ gateways }) =>
      told(gateways[0]?.log.lines ?? []),
    );
    expect(new Set(there)).toEqual(new Set(here));
    expect(here.length).toBeGreaterThan(Object.keys(FACES).length);
    expect(here.filter((line) => !line.startsWith("refused "))).toEqual([]);
  });

  test("says whose cap it is: the team's with its name, or the gateway's", async () => {
    await using both = await pair(redis().url, TEAM_KEYS);
    const said = (key: string, face = "Chat Completions") => answer(both, `${key}, its team`, face);
    expect(await said("for good")).toContain("more than the tokens per day of team team-0");
    expect(await said("for a minute")).toContain("the requests per minute of team team-1");
    expect(await said("while others run")).toContain("team team-2 may run 0 streams at once");
    expect(await said("for its cost")).toContain("team team-3 has a cap on cost, and the model has no price");
    expect(await said("for its cost", "pass-through")).toContain(
      "team team-3 has a cap on cost, and what this request",
    );
    for (const [caps, words] of [
      [{ tokensPerDay: 1 }, "more than the tokens per day of the gateway"],
      [{ costPerDay: 0.000_001 }, "the gateway has a cap on cost, and the model has no price"],
    ] as const) {
      await using whole = await pair(redis().url, { free: {} }, caps);
      expect(await answer(whole, "free", "Chat Completions")).toContain(words);
    }
  });
});

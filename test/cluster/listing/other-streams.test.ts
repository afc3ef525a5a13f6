import { expect, test } from "@jest/globals";
import { runTop } from "../../../src/cli/commands/top.ts";
import type { StreamList } from "../../../src/core/running/stream-view.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { letJudge, letLast, nameOf, prefixOf, startTwoNodes } from "../../support/nodes/two-nodes.ts";
import { runCommand } from "../../support/openclaw/command-world.ts";
import { chunk, endOn, openOn } from "../../support/relay/opened-stream.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import type { ScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const newDirectory = temporaryDirectories();

type Where = { readonly url: string };
const bearer = (secret?: string) => (secret === undefined ? {} : { authorization: `Bearer ${secret}` });
/** The list, once every node but these has answered: on a busy machine one may be too late. */
async function list({ url }: Where, secret?: string, silent: readonly string[] = []): Promise<StreamList> {
  let seen: StreamList = { streams: [] };
  await turnsUntil(async () => {
    seen = (await (await fetch(`${url}/v1/streams`, { headers: bearer(secret) })).json()) as StreamList;
    return seen.silent?.every((node) => silent.includes(node)) === true;
  });
  return seen;
}
const remove = ({ url }: Where, stream: string) => fetch(`${url}/v1/streams/${stream}`, { method: "DELETE" });

const end = (where: Where, stream: string, secret?: string) => endOn(where, stream, bearer(secret));

/** Answers that nobody reads are cancelled once they are forgotten. */
const held: Response[] = [];

/** Opens a stream that nobody can resume; with its first event. */
async function chatOn({ url }: Where, upstream: ScriptedUpstream, secret?: string) {
  const answering = fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...bearer(secret) },
    body: JSON.stringify({ model: "gpt", stream: true, messages: [{ role: "user", content: "Hi" }] }),
  });
  const exchange = await upstream.request();
  exchange.sse().event(chunk("one"));
  const answer = await answering;
  held.push(answer);
  return { answer, exchange };
}

/** Two nodes with keys for two callers and an operator. */
async function withKeys(redis: Parameters<typeof startTwoNodes>[0]) {
  const directory = newDirectory();
  const secrets = { ann: freshSecret(), bob: freshSecret(), admin: freshSecret() };
  const store = new KeyDatabase(directory);
  store.add(keyFor("ann", secrets.ann));
  store.add(keyFor("bob", secrets.bob));
  store.add(keyFor("admin", secrets.admin, { scopes: ["admin"] }));
  store.close();
  const nodes = await startTwoNodes(redis, directory);
  await letJudge(redis, directory);
  return { nodes, secrets };
}

describeWithRedis("the running streams of a cluster", (redis) => {
  test("are listed on either node, oldest first, each with its node", async () => {
    await using nodes = await startTwoNodes(redis(), newDirectory());
    const { a, b, upstream } = nodes;
    const [nameOfA, nameOfB] = [await nameOf(a), await nameOf(b)];
    await chatOn(a, upstream);
    using second = await openOn(b, upstream);
    await chatOn(a, upstream);
    for (const [asked, name] of [
      [a, nameOfA],
      [b, nameOfB],
    ] as const) {
      const { streams, ...rest } = await list(asked);
      expect(rest).toEqual({ node: name, unlisted: 0, silent: [], unasked: 0 });
      expect(streams.map(({ node, face }) => `${face} on ${node}`).sort()).toEqual([
        `chat-completions on ${nameOfA}`,
        `chat-completions on ${nameOfA}`,
        `stream on ${nameOfB}`,
      ]);
      expect(streams.map(({ ageMs }) => ageMs)).toEqual(streams.map(({ ageMs }) => ageMs).sort((x, y) => y - x));
      expect(streams.map(({ stream }) => stream)).toContain(second.stream);
    }
  });

  test("are ended from any node, resumable or not, and then are not there", async () => {
    const directory = newDirectory();
    await using nodes = await startTwoNodes(redis(), directory);
    const { a, b, upstream } = nodes;
    await letJudge(redis(), directory);
    const { answer, exchange } = await chatOn(a, upstream);
    const [running] = (await list(b)).streams;
    expect(await end(b, running?.stream ?? "")).toBe("ended");
    expect(await answer.text()).toContain("ended by an operator");
    await exchange.closed;
    expect((await list(b)).streams).toEqual([]);
    expect(await end(a, running?.stream ?? "")).toBe("404");
    expect(await end(b, running?.stream ?? "")).toBe("404");
  });

  test("are shown and ended as a key may, whichever node it asks", async () => {
    const { nodes, secrets } = await withKeys(redis());
    await using running = nodes;
    const { a, b, upstream } = running;
    await chatOn(a, upstream, secrets.ann);
    await chatOn(a, upstream, secrets.bob);
    const callers = async (secret: string) => (await list(b, secret)).streams.map(({ caller }) => caller);
    expect((await callers(secrets.admin)).sort()).toEqual(["ann", "bob"]);
    const { streams } = await list(b, secrets.admin);
    const [anns, bobs] = ["ann", "bob"].map((name) => streams.find(({ caller }) => caller === name));
    expect(await callers(secrets.ann)).toEqual(["ann"]);
    expect(await end(b, bobs?.stream ?? "", secrets.ann)).toBe("404");
    expect(await end(b, "s_nope", secrets.ann)).toBe("404");
    expect(await callers(secrets.bob)).toEqual(["bob"]);
    expect(await end(b, anns?.stream ?? "", secrets.ann)).toBe("ended");
    expect(await end(b, bobs?.stream ?? "", secrets.admin)).toBe("ended");
    // The key's own end is known to the operator, and to nobody else.
    expect(await end(b, anns?.stream ?? "", secrets.bob)).toBe("404");
    expect(await callers(secrets.admin)).toEqual([]);
  });

  test("are told without a node that does not answer, which is named", async () => {
    const directory = newDirectory();
    await using nodes = await startTwoNodes(redis(), directory);
    const { a, b, upstream } = nodes;
    const { answer } = await chatOn(a, upstream);
    await letLast(redis(), directory, "ghost");
    await redis().ask("SADD", `${prefixOf(directory)}:nodes`, "ghost");
    await letJudge(redis(), directory);
    const { streams, silent } = await list(b, undefined, ["ghost"]);
    expect([streams.length, silent]).toEqual([1, ["ghost"]]);
    let table = "";
    // On a busy machine more may be silent at the first look.
    await turnsUntil(async () => {
      const { code, stdout, stderr } = await runCommand(runTop, ["--every", "100", "--url", b.url], { cwd: directory });
      table = stdout;
      return code === 0 && stderr === "sluice: no answer from ghost\n";
    });
    expect(table.split("\n")[1]).toMatch(new RegExp(`^${await nameOf(a)} +local `));
    // It may run there.
    const unsure = await remove(b, "s_nope");
    expect(unsure.status).toBe(503);
    expect(await unsure.text()).toContain("ghost");
    // What another one has is ended without waiting for it, if that one is not too late, too.
    const ended = await remove(b, streams[0]?.stream ?? "");
    expect(ended.status === 204 || (await ended.text()).includes(await nameOf(a))).toBe(true);
    expect(await answer.text()).toContain("ended by an operator");
  });

  test("are those of one node while Redis does not answer, which says so", async () => {
    const directory = newDirectory();
    await using nodes = await startTwoNodes(redis(), directory);
    const { a, b, upstream } = nodes;
    await chatOn(b, upstream);
    const [running] = (await list(a)).streams;
    // It knows of the other from its next renewal on.
    await turnsUntil(async () => {
      const { nodes: count } = (await (await fetch(`${b.url}/readyz`)).json()) as { nodes: number };
      return count === 2;
    });
    redis().freeze();
    try {
      const { streams, unasked } = await list(b);
      expect([streams.length, unasked]).toEqual([1, 1]);
      expect((await remove(a, running?.stream ?? "")).status).toBe(503);
      // Its own node needs nobody.
      expect(await end(b, running?.stream ?? "")).toBe("ended");
    } finally {
      redis().thaw();
    }
  });
});

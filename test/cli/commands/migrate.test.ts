import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { runMigrate } from "../../../src/cli/commands/migrate.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { freshSecret, keyFor } from "../../support/gateways/gateway-key.ts";
import { runCommand } from "../../support/openclaw/command-world.ts";
import { OpenClawClient } from "../../support/openclaw/openclaw-client.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";
import { ChatScript } from "../../support/upstreams/chat-script.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

const directory = temporaryDirectories();

/** Runs `sluice migrate …` in a directory with this configuration. */
function migrate(cwd: string, data: object, ...args: readonly string[]) {
  writeFileSync(join(cwd, "sluice.config.json"), JSON.stringify({ data }));
  return runCommand(runMigrate, args, { cwd });
}

test.each([
  [[], "migrate takes postgres or sqlite"],
  [["mysql"], "migrate takes postgres or sqlite"],
  [["postgres", "sqlite"], "migrate takes postgres or sqlite"],
  [["postgres", "--data", ""], "--data is empty"],
  [["postgres"], "data.postgres names no database"],
])("%j is refused: %s", async (args, reason) => {
  const { code, stderr } = await migrate(directory(), {}, ...args);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(reason) });
});

describeWithPostgres("sluice migrate", (server) => {
  test("takes a conversation and a key from a gateway with files to one with PostgreSQL, and says what it copied", async () => {
    await using upstream = await startScriptedUpstream();
    const cwd = directory();
    const files = join(cwd, "files");
    const secret = freshSecret();
    const keys = new KeyDatabase(files);
    const team = { name: "research", caps: { tokensPerMonth: 1_000_000 } };
    keys.changeTeam("research", () => team);
    keys.add(keyFor("alice", secret, { scopes: ["chat", "streams", "admin"], team }));
    keys.close();
    const config = { auth: { required: true }, defaultModel: "gpt" };
    const postgres = { url: server().url, schema: freshSchema(), connections: 4 };
    {
      const data = { store: "sqlite", directory: files };
      await using gateway = await startTestGateway({ upstream: upstream.url, config: { ...config, data } });
      using client = await OpenClawClient.dial(gateway.url);
      await client.connect({ token: secret });
      await client.request("chat.send", { sessionKey: "trip", message: "where to?", idempotencyKey: "r1" });
      new ChatScript(await upstream.request()).text("to the sea").finish();
      await client.ended("r1");
      const running = await migrate(cwd, { directory: "files", postgres }, "postgres");
      expect(running).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(
          /in use by another gateway \(pid .*\): stop it, and start it again when this is done\n$/,
        ),
      });
    }
    const { code, stdout, stderr } = await migrate(cwd, { directory: "files", postgres }, "postgres");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.split("\n")).toEqual([
      "keys: 1",
      "teams: 1",
      "sessions: 1",
      "messages: 2",
      "documents (preferences, devices, groups, side chats, waiting messages): 0",
      "streams in the ledger: 1",
      'copied; set data.store to "postgres" and start the gateway',
      "",
    ]);
    const data = { store: "postgres", postgres };
    await using gateway = await startTestGateway({ upstream: upstream.url, config: { ...config, data } });
    using client = await OpenClawClient.dial(gateway.url);
    await client.connect({ token: secret });
    const back = await migrate(cwd, { directory: "files", postgres }, "sqlite", "--data", "back");
    expect(back).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/in use by another gateway: stop it, and start it again when this is done\n$/),
    });
    const { messages } = await client.request("chat.history", { sessionKey: "trip" });
    expect(messages).toMatchObject([{ content: "where to?" }, { content: [{ text: "to the sea" }] }]);
    const headers = { authorization: `Bearer ${secret}` };
    expect(await (await fetch(`${gateway.url}/start.json`, { headers })).json()).toMatchObject({ caller: { team } });
    expect(await (await fetch(`${gateway.url}/v1/usage?by=team`, { headers })).json()).toMatchObject({
      lines: [{ group: "research", completed: 1 }],
    });
  });

  test("names the setting that a new place is given by, and what to set once all is copied", async () => {
    const cwd = directory();
    new KeyDatabase(join(cwd, "files")).add(keyFor("alice", freshSecret()));
    const schema = freshSchema();
    const data = { store: "postgres", directory: "files", postgres: { url: server().url, schema, connections: 4 } };
    expect(await migrate(cwd, data, "postgres")).toMatchObject({ code: 0, stderr: "" });
    const { stderr: filled } = await migrate(cwd, data, "postgres");
    expect(filled).toMatch(
      /^sluice: the schema \w+ of PostgreSQL at .* is not empty: set data\.postgres\.schema to a new one\n$/,
    );
    const { stderr: full } = await migrate(cwd, data, "sqlite");
    expect(full).toBe(`sluice: the directory ${join(cwd, "files")} is not empty: name a new one with --data\n`);
    const { code, stdout } = await migrate(cwd, data, "sqlite", "--data", "back");
    expect(code).toBe(0);
    const moved = `copied; set data.store to "sqlite", data.directory to "${join(cwd, "back")}" and start the gateway\n`;
    expect(stdout).toMatch(/^keys: 1\n/);
    expect(stdout.endsWith(`\n${moved}`)).toBe(true);
  });
});

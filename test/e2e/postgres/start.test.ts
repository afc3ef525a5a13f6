import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { runSluice } from "../../support/gateways/run-sluice.ts";
import { configFor, type SluiceProcess, startSluice } from "../../support/gateways/sluice-process.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { describeWithPostgres, freshSchema } from "../../support/stores/postgres.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();

/** Looks for the driver where no package is, as after `npm ci --omit=optional`. */
const WITHOUT_DRIVER = `
  import { registerHooks } from "node:module";
  registerHooks({ resolve: (name, context, next) =>
    next(name, name === "pg" ? { ...context, parentURL: "file:///none/here.js" } : context) });`;

const NOWHERE = "postgres://ann:s3cret-word@127.0.0.1:1/things";
const storeAt = (url: string, schema = "sluice") => ({ store: "postgres", postgres: { url, schema, connections: 4 } });

/** Runs a command in a directory with this store. */
async function sluice(data: unknown, ...args: readonly string[]) {
  const cwd = directory();
  // As few as any system lets one open: check warns otherwise.
  const config = { data, limits: { connections: 10, openStreams: 10 } };
  writeFileSync(join(cwd, "sluice.config.json"), JSON.stringify(config));
  return runSluice(cwd, ...args);
}

/** The gateway's next line of a reload, with this in its file. */
async function reloaded(gateway: SluiceProcess, changes: object): Promise<unknown> {
  const file = join(gateway.directory, "sluice.config.json");
  const config = { ...JSON.parse(readFileSync(file, "utf8")), ...changes };
  const lines = () => gateway.stdout.split("\n").filter((line) => line.includes('"event":"reload'));
  const before = lines().length;
  writeFileSync(file, JSON.stringify(config));
  gateway.kill("SIGHUP");
  await turnsUntil(() => lines().length !== before);
  return JSON.parse(lines().at(-1) ?? "");
}

test("without the driver the start says what to install", async () => {
  const start = startSluice({ data: storeAt(NOWHERE) }, { preload: WITHOUT_DRIVER });
  await expect(start).rejects.toThrow(
    'it did not start: sluice: data.store is "postgres", and its driver, the optional package pg, is not installed: ' +
      "install without --omit=optional, or npm install pg\n",
  );
});

test.each(["serve", "check", "keys list", "usage"])(
  "%s says in one line that the database cannot be reached, without user and password",
  async (command) => {
    const { stderr, stdout, code } = await sluice(storeAt(NOWHERE), ...command.split(" "));
    const sentence = "PostgreSQL at 127.0.0.1:1/things cannot be used: connect ECONNREFUSED 127.0.0.1:1";
    expect(stderr).toBe(`sluice: ${command === "check" ? "warning: " : ""}${sentence}\n`);
    expect(stderr + stdout).not.toContain("s3cret-word");
    expect(code).toBe(command === "check" ? 0 : 1);
  },
);

test("a gateway without a data directory is reloaded by a signal, as sluice reload says", async () => {
  const { stderr, code } = await sluice(storeAt(NOWHERE), "reload");
  expect({ stderr, code }).toEqual({ stderr: expect.stringContaining("send it SIGHUP (kill -HUP <pid>)"), code: 1 });
});

describeWithPostgres("with a database", (server) => {
  test("sluice check warns of nothing, and makes nothing there", async () => {
    const schema = freshSchema();
    const { stderr, code } = await sluice(storeAt(server().url, schema), "check");
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(server().ask(`SELECT count(*) FROM pg_namespace WHERE nspname = '${schema}'`)).toBe("0");
  });

  test("a reload that names another database or schema changes neither, and says that this needs a restart", async () => {
    const config = { ...configFor("http://127.0.0.1:1"), data: storeAt(server().url, freshSchema()) };
    await using gateway = await startSluice(config);
    const outcome = await reloaded(gateway, { data: storeAt(NOWHERE, freshSchema()), defaultModel: "gpt" });
    expect(outcome).toMatchObject({
      changed: ["defaultModel"],
      restart: ["data.postgres.url", "data.postgres.schema"],
    });
    expect(JSON.stringify(outcome)).not.toContain("s3cret-word");
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
  });
});

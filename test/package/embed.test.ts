import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { install, pack } from "../support/packed.ts";
import { temporaryDirectories } from "../support/temporary-directory.ts";

const directory = temporaryDirectories();
const compiler = fileURLToPath(new URL("../../node_modules/.bin/tsc", import.meta.url));

const PROJECT = {
  compilerOptions: {
    ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false },
    ...{ module: "nodenext", target: "es2022", lib: ["es2024", "esnext.disposable", "dom"], types: ["node"] },
  },
  include: ["*.ts"],
};

/** As in docs/embed.md. */
const PROGRAM = `
import { type ConfigFile, createGateway } from "sluice";
import { type ServerFrame, STREAM_PATH } from "sluice/protocol";

const lines: string[] = [];
const config: ConfigFile = {
  listen: { port: 0 },
  data: { store: "memory" },
  auth: { token: { env: "MY_TOKEN" } },
};
const gateway = await createGateway(config, {
  env: { MY_TOKEN: "a-token-of-32-characters-or-more-0123" },
  log: { write: (line) => lines.push(line) },
});
const body = JSON.stringify({ model: "demo-chat", stream: true, messages: [{ role: "user", content: "Hi" }] });
const headers = { "content-type": "application/json", authorization: "Bearer a-token-of-32-characters-or-more-0123" };
const answer = await fetch(gateway.url + "/v1/chat/completions", { method: "POST", headers, body });
const text = await answer.text();
const refused: string | undefined = gateway.reload({ routes: { x: { baseUrl: "nonsense" } } }).refused;
await gateway.close();
const frame: ServerFrame = { type: "tick", ts: 1 };
const gone = await fetch(gateway.url).then(() => false, () => true);
console.log(JSON.stringify({
  done: text.includes("[DONE]"), refused: refused !== undefined, gone, frame, path: STREAM_PATH,
  events: lines.map((line): unknown => JSON.parse(line).event),
}));
`;

describe("a TypeScript project that embeds the gateway", () => {
  let project = "";
  beforeAll(() => {
    project = directory();
    install(pack(directory()), project, ["@types/node", "undici-types"]);
    writeFileSync(join(project, "package.json"), '{"type":"module"}');
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify(PROJECT));
  });

  /** What the compiler says of this program. */
  function compile(program: string): string {
    writeFileSync(join(project, "program.ts"), program);
    return spawnSync(compiler, ["-p", project], { encoding: "utf8" }).stdout;
  }

  test("compiles strictly, runs, has its own log, and leaves nothing behind", () => {
    expect(compile(PROGRAM)).toBe("");
    const { stdout, stderr } = spawnSync(process.execPath, ["program.js"], { cwd: project, env: {}, encoding: "utf8" });
    expect(stderr).toBe("");
    const told = JSON.parse(stdout);
    expect(told).toMatchObject({ done: true, refused: true, gone: true, path: "/v1/stream" });
    expect(told.events).toEqual(["started", "stream", "reload_refused", "stopped"]);
  });

  test("is told by the compiler of keys and values that do not exist", () => {
    const wrong = [
      ["{ listen: { prot: 0 } }", "'prot' does not exist"],
      ['{ listen: { port: "0" } }', "'string' is not assignable to type 'number'"],
      ['{ routes: { a: { dialect: "openai" } } }', "'\"openai\"' is not assignable"],
    ];
    const calls = wrong.map(([config]) => `await createGateway(${config});`).join("\n");
    const said = compile(`import { createGateway } from "sluice";\n${calls}\n`);
    for (const [at, [, message = ""]] of wrong.entries()) {
      expect(said.split("\n").find((line) => line.startsWith(`program.ts(${at + 2},`))).toContain(message);
    }
  });

  test("is told at run time of every problem that types cannot say", () => {
    const program =
      'import { createGateway } from "sluice";\ncreateGateway({ listen: { port: 70000 } }).catch((e) => console.log(e.message));';
    writeFileSync(join(project, "wrong.mjs"), program);
    const { stdout } = spawnSync(process.execPath, ["wrong.mjs"], { cwd: project, env: {}, encoding: "utf8" });
    expect(stdout).toBe("the configuration: 1 problem\n  listen.port: found 70000, expected at most 65535\n");
  });
});

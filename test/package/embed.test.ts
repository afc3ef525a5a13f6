import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { install, pack } from "../support/gateways/packed.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();
const compiler = fileURLToPath(new URL("../../node_modules/.bin/tsc", import.meta.url));

const PROJECT = {
  compilerOptions: {
    ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false },
    ...{ module: "nodenext", target: "es2022", lib: ["es2024", "esnext.disposable", "dom"], types: ["node"] },
  },
  include: ["*.ts"],
};

/** The program in docs/embed.md. */
const [, PROGRAM = ""] =
  /^```ts\n(.*?)^```/ms.exec(readFileSync(new URL("../../docs/embed.md", import.meta.url), "utf8")) ?? [];

/** The other exports. */
const OTHERS = `
import { CODES, type ServerFrame, ServerFrame as schema, STREAM_PATH } from "sluice/protocol";
import { connect, type SluiceStream } from "sluice/client";
import type { useStream } from "sluice/client/react";

export type Used = ReturnType<typeof useStream>;
const client = connect({ url: "ws://127.0.0.1:1" });
const open = (): SluiceStream => client.open({ model: "demo", body: {} });
console.log(typeof open);
client.close();
const frame: ServerFrame = { type: "tick", ts: 1 };
console.log(STREAM_PATH, CODES.overloaded.httpStatus, schema.safeParse(frame).success);
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
    return spawnSync(compiler, ["-p", project], { cwd: project, encoding: "utf8" }).stdout;
  }

  test("compiles the documented program strictly; it runs, has its own log, and leaves nothing behind", () => {
    expect(compile(PROGRAM + OTHERS)).toBe("");
    const env = { GATEWAY_TOKEN: "a-token-of-32-characters-or-more-0123" };
    const { stdout, stderr } = spawnSync(process.execPath, ["program.js"], { cwd: project, env, encoding: "utf8" });
    expect(stderr).toMatch(/^the configuration: \d problems?\n {2}routes\.mine\./);
    expect(stdout).toMatch(/^data: .*data: \[DONE\]\n/ms);
    expect([...stdout.matchAll(/"event":"(\w+)"/g)].map(([, event]) => event)).toEqual([
      ...["started", "stream", "reload_refused", "stopped"],
    ]);
    expect(stdout).toMatch(/^\/v1\/stream 503 true$/m);
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
      const lines = said.split("\n").filter((line) => line.startsWith(`program.ts(${at + 2},`));
      expect([said, lines.join("\n")]).toEqual([said, expect.stringContaining(message)]);
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

/** The build on each Node that is here, as an application would use it. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath, pathToFileURL } from "node:url";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { buildClient } from "../../scripts/build-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";
import { startFloodUpstream } from "../support/upstreams/flood-upstream.ts";

const newDirectory = temporaryDirectories();
const WS = pathToFileURL(fileURLToPath(new URL("../../node_modules/ws/wrapper.mjs", import.meta.url))).href;

/** This one, the machine's, and those that the environment names, by version. */
const paths = [
  process.execPath,
  "/usr/bin/node",
  "/usr/local/bin/node",
  ...(process.env.SLUICE_TEST_NODES ?? "").split(":"),
];
const nodes = new Map(
  paths
    .filter((path) => path !== "" && existsSync(path))
    .map((path) => {
      const version = spawnSync(path, ["--version"], { encoding: "utf8" }).stdout.trim();
      return [version, path];
    }),
);

let client = "";
beforeAll(async () => {
  const directory = newDirectory();
  await buildClient(directory);
  // As beside the package's own.
  writeFileSync(join(directory, "package.json"), '{"type":"module"}');
  client = pathToFileURL(join(directory, "index.js")).href;
});

describe.each([...nodes])("Node %s", (version, path) => {
  const isOld = Number.parseInt(version.slice(1), 10) < 22;
  const run = async (source: string) => {
    const child = spawn(path, ["--input-type=module", "-e", source], { env: {} });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { stdout, stderr };
  };

  test("streams, and ends when the client is closed", async () => {
    await using upstream = await startFloodUpstream();
    await using gateway = await startTestGateway({ upstream: upstream.url });
    const source = `
      import { connect } from ${JSON.stringify(client)};
      ${isOld ? `import WebSocket from ${JSON.stringify(WS)};` : ""}
      const sluice = connect({ url: ${JSON.stringify(gateway.url)}, token: "tökén", WebSocket });
      const body = { key: "a", events: 1000, plain: true, messages: [] };
      let last = 0;
      const stream = sluice.open({ model: "gpt", body });
      for await (const { seq } of stream) last += seq === last + 1 ? 1 : NaN;
      const { status, lastSeq } = await stream.end;
      console.log(JSON.stringify({ last, status, lastSeq }));
      sluice.close();`;
    expect(await run(source)).toEqual({ stdout: '{"last":1002,"status":"completed","lastSeq":1002}\n', stderr: "" });
  });

  if (!isOld) return;
  test("without a WebSocket of its own, says what to install", async () => {
    const source = `
      import { connect } from ${JSON.stringify(client)};
      try { connect({ url: "http://127.0.0.1:1" }); } catch ({ name, code, message }) { console.log(name, code, message); }`;
    expect((await run(source)).stdout).toMatch(
      /^SluiceError unsupported .*npm install ws, and connect\(\{ WebSocket \}\)/,
    );
  });
});

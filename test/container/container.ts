import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { runKeys } from "../../src/cli/commands/keys/keys.ts";
import { StreamClient } from "../support/clients/stream-client.ts";
import { type SluiceProcess, startSluice } from "../support/gateways/sluice-process.ts";
import { runCommand } from "../support/openclaw/command-world.ts";
import { memoryGroup } from "./memory-group.ts";

/** As documented: 1 GiB of memory, and a heap of three quarters of it. */
const CONTAINER_MIB = 1_024;
const HEAP_MIB = 768;

/** The attacking caller's credentials. */
export const TOKEN = "a-token-of-whoever-attacks";

export interface Container extends AsyncDisposable {
  readonly gateway: SluiceProcess;
  /** The process's largest memory so far, in MiB. */
  readonly peakMib: number;
  /** The same for everything the kernel counts, if it enforces the limit. */
  readonly groupPeakMib: number | undefined;
  /** Another caller's small stream, from its open to its end. Rejects if it does not complete. */
  smallStream(): Promise<void>;
}

const ANSWER = [
  'data: {"choices":[{"index":0,"delta":{"content":"A picture."},"finish_reason":"stop"}]}',
  "data: [DONE]",
  "",
].join("\n\n");

/** An upstream that accepts every request and answers in two words, or never. */
async function startUpstream(answer?: string): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      if (answer !== undefined) response.writeHead(200, { "content-type": "text/event-stream" }).end(answer);
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function makeKey(directory: string): Promise<string> {
  const { stdout } = await runCommand(runKeys, ["create", "bystander", "--json", "--data", directory]);
  return String(JSON.parse(stdout).secret);
}

/** The gateway as it runs in a container: the models `demo` and `brief` answer, `quiet` never does. */
export async function startContainer(): Promise<Container> {
  const stack = new AsyncDisposableStack();
  const silence = stack.use(await startUpstream());
  const brief = stack.use(await startUpstream(ANSWER));
  const data = mkdtempSync(join(tmpdir(), "sluice-container-"));
  stack.defer(() => rmSync(data, { recursive: true, force: true }));
  const secret = await makeKey(data);
  const config = {
    demo: true,
    log: { level: "info", pretty: false },
    data: { store: "sqlite", directory: data },
    routes: {
      silence: { dialect: "openai-chat", baseUrl: silence.url, key: "sk-of-nobody" },
      brief: { dialect: "openai-chat", baseUrl: brief.url, key: "sk-of-nobody" },
    },
    models: { quiet: { route: "silence", model: "quiet" }, brief: { route: "brief", model: "brief" } },
    defaultModel: "brief",
  };
  const group = stack.use(memoryGroup(basename(data), CONTAINER_MIB));
  const env = { SLUICE_TOKEN: TOKEN, NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` };
  const gateway = stack.use(await startSluice(config, { env, under: group.words }));
  let streams = 0;
  return {
    gateway,
    get peakMib() {
      const status = readFileSync(`/proc/${gateway.pid}/status`, "utf8");
      return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1_024);
    },
    get groupPeakMib() {
      return group.peakMib;
    },
    async smallStream() {
      using client = await (await StreamClient.connect(gateway.url, { token: secret })).hello();
      const id = `s${++streams}`;
      const body = { max_tokens: 16, messages: [{ role: "user", content: "Hello" }] };
      client.send({ type: "open", id, model: "demo", body });
      const first = await client.take((frame) => "id" in frame && frame.id === id && frame.type !== "opened");
      if (first.type === "error") throw new Error(first.error.code);
      const { end } = await client.rest(id);
      if (end.status !== "completed") throw new Error(end.error?.code ?? end.status);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

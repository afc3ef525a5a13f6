import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { entryOf, missingPeer, OPENCLAW, versionOf } from "../peers/peer.ts";
import { startGateway } from "../runner/child.ts";
import { freePort } from "./free-port.ts";
import type { Row } from "./row.ts";

const TOKEN = "bench";
const FREE = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

const config = (directory: string, port: number, upstreamPort: number) => ({
  gateway: { mode: "local", port, bind: "loopback", auth: { mode: "token", token: TOKEN } },
  models: {
    mode: "replace",
    providers: {
      bench: {
        baseUrl: `http://127.0.0.1:${upstreamPort}/v1`,
        apiKey: "bench",
        api: "openai-completions",
        models: [
          {
            id: "bench",
            name: "bench",
            reasoning: false,
            input: ["text"],
            cost: FREE,
            contextWindow: 200_000,
            maxTokens: 8192,
          },
        ],
      },
    },
  },
  agents: { defaults: { model: { primary: "bench/bench" }, workspace: `${directory}/workspace`, skipBootstrap: true } },
});

/** OpenClaw's own gateway, over its own protocol. Unlike a bridge, it runs agent turns. */
export const openclaw: Row = {
  name: "openclaw",
  what: "OpenClaw's own gateway, over its own protocol",
  protocol: "sluice",
  chats: "only",
  apis: ["chat"],
  version: () => versionOf(OPENCLAW),
  missing: () => missingPeer(OPENCLAW),
  async start(upstreamPort, cpus) {
    const directory = mkdtempSync(join(tmpdir(), "sluice-bench-openclaw-"));
    const port = await freePort();
    const file = join(directory, "openclaw.json");
    writeFileSync(file, JSON.stringify(config(directory, port, upstreamPort)));
    const { pid, started, stop } = await startGateway(cpus, {
      command: process.execPath,
      args: [entryOf(OPENCLAW), "gateway", "run"],
      cwd: directory,
      env: { OPENCLAW_STATE_DIR: directory, OPENCLAW_CONFIG_PATH: file, OPENCLAW_SKIP_CHANNELS: "1", NO_COLOR: "1" },
      ready: /\[gateway\] ready/,
    });
    const url = `ws://127.0.0.1:${port}/`;
    return {
      target: { protocol: "sluice", url },
      chat: { url, token: TOKEN },
      started,
      pids: [pid],
      async stop() {
        await stop();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  },
};

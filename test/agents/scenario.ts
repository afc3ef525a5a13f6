import { join } from "node:path";
import { runKeys } from "../../src/cli/commands/keys/keys.ts";
import { startSluice } from "../support/gateways/sluice-process.ts";
import { freePort } from "../support/network/free-port.ts";
import { runCommand } from "../support/openclaw/command-world.ts";
import type { DocumentedClient } from "./documented.ts";
import { startAgentProvider } from "./provider.ts";
import { type Turn, takeTurn } from "./turn.ts";

/** What the client meets: a provider that answers, a gateway key without tokens left, a route whose key the provider refuses. */
export type Situation = "turn" | "cap" | "wrong-key";

export interface Outcome extends Turn {
  /** How many requests of the client the gateway refused, by code. */
  readonly refused: Readonly<Record<string, number>>;
  /** Requests that reached the provider: path and model. */
  readonly upstream: readonly string[];
  /** The faces at which the client asked for streams. */
  readonly faces: readonly string[];
  /** The gateway's own log. */
  readonly log: string;
}

/** Starts a provider and a gateway for one client, lets it take its turn there, and ends them. */
export async function meet(
  client: DocumentedClient,
  options: {
    readonly situation: Situation;
    readonly directory: string;
    readonly packages: string;
    readonly word: string;
  },
): Promise<Outcome> {
  const { situation, directory } = options;
  await using provider = await startAgentProvider("cat word.txt", situation === "wrong-key" ? 401 : undefined);
  const data = join(directory, "data");
  const metricsPort = await freePort();
  const key = await createKey(data, situation === "cap" ? ["--tokens-per-day", "1"] : []);
  const route = (dialect: string, path = "") => ({
    dialect,
    baseUrl: provider.url + path,
    key: "sk-key-of-the-route",
    passModels: true,
  });
  await using sluice = await startSluice({
    data: { store: "sqlite", directory: data },
    metrics: { listen: { port: metricsPort } },
    auth: { required: true },
    routes: {
      anthropic: route("anthropic-messages"),
      openai: route("openai-responses", "/v1"),
      "openai-chat": route("openai-chat", "/v1"),
      gemini: route("google-gemini", "/v1beta"),
    },
    // What the pages offer by default; the clients here use the providers' own names.
    models: { gpt: { route: "openai", model: "gpt-5" } },
  });
  const turn = await takeTurn(client, {
    ...options,
    gateway: { url: sluice.url, key },
    timeoutMs: situation === "turn" ? 120_000 : 60_000,
  });
  return {
    ...turn,
    refused: await refusalsOf(`http://127.0.0.1:${metricsPort}/metrics`),
    upstream: provider.asked.map(({ path, body }) => `${path} ${body.model ?? ""}`.trim()),
    faces: [
      ...new Set([...sluice.stdout.matchAll(/"event":"stream".*"face":"([^"]+)"/g)].map(([, face = ""]) => face)),
    ],
    log: sluice.stdout + sluice.stderr,
  };
}

/** The counters, because the log writes repeated refusals as one line. */
async function refusalsOf(metrics: string): Promise<Readonly<Record<string, number>>> {
  const text = await (await fetch(metrics)).text();
  const counted: Record<string, number> = {};
  for (const [, code = "", count] of text.matchAll(/^sluice_refusals_total\{.*code="(\w+)".*\} (\d+)$/gm)) {
    counted[code] = (counted[code] ?? 0) + Number(count);
  }
  return counted;
}

/** `sluice keys create` on this data directory; gives the secret. */
async function createKey(directory: string, options: readonly string[]): Promise<string> {
  const args = ["create", "agent", ...options, "--json", "--data", directory];
  const { stdout } = await runCommand(runKeys, args);
  return String(JSON.parse(stdout).secret);
}

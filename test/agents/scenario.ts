import { join } from "node:path";
import { runKeys } from "../../src/cli/commands/keys.ts";
import { startSluice } from "../support/sluice-process.ts";
import type { DocumentedClient } from "./documented.ts";
import { startAgentProvider } from "./provider.ts";
import { type Turn, takeTurn } from "./turn.ts";

/** What the client meets: a provider that answers, a gateway key without tokens left, a route whose key the provider refuses. */
export type Situation = "turn" | "cap" | "wrong-key";

export interface Outcome extends Turn {
  /** Requests of the client that the gateway refused, by their codes. */
  readonly refused: readonly string[];
  /** Requests that reached the provider: path and model. */
  readonly upstream: readonly string[];
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
  const key = createKey(data, situation === "cap" ? ["--tokens-per-day", "1"] : []);
  const route = (dialect: string, path = "") => ({
    dialect,
    baseUrl: provider.url + path,
    key: "sk-key-of-the-route",
    passModels: true,
  });
  await using sluice = await startSluice({
    data: { store: "sqlite", directory: data },
    auth: { required: true },
    routes: {
      anthropic: route("anthropic-messages"),
      openai: route("openai-responses", "/v1"),
      "openai-chat": route("openai-chat", "/v1"),
    },
  });
  const turn = await takeTurn(client, {
    ...options,
    gateway: { url: sluice.url, key },
    timeoutMs: situation === "turn" ? 120_000 : 60_000,
  });
  const lines = sluice.stdout.split("\n").filter((line) => line.includes(`"event":"refused"`));
  return {
    ...turn,
    refused: lines.map((line) => String(JSON.parse(line).code)),
    upstream: provider.asked.map(({ path, body }) => `${path} ${body.model ?? ""}`.trim()),
    log: sluice.stdout + sluice.stderr,
  };
}

/** `sluice keys create` on this data directory; gives the secret. */
function createKey(directory: string, options: readonly string[]): string {
  let printed = "";
  runKeys(["create", "agent", ...options, "--json", "--data", directory], {
    env: {},
    cwd: directory,
    stdout: { write: (text) => (printed += text) },
    stderr: { write: (text) => (printed += text) },
  });
  return String(JSON.parse(printed).secret);
}

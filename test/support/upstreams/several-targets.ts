/** Models with several targets, on scripted upstreams. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { GatewayKey } from "../../../src/core/caller/key-ring.ts";
import { KeyDatabase } from "../../../src/storage/keys/key-database.ts";
import { LEDGER_FILE } from "../../../src/storage/ledger/ledger-database.ts";
import { ChatScript } from "./chat-script.ts";
import type { ScriptedExchange, ScriptedUpstream } from "./scripted-upstream.ts";

/** One event of a Chat Completions stream. */
export const chunk = (delta: object) => ({
  id: "c0",
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta, finish_reason: null }],
});

/** The first event of an answer, without content. */
export const HEAD = chunk({ role: "assistant", content: "" });

/** A provider's error as an event, which another target may not have. */
export const OVERLOADED = { error: { message: "Overloaded", type: "overloaded_error", code: "overloaded" } };

/** A good answer, with usage. */
export const answer = (exchange: ScriptedExchange) => new ChatScript(exchange).text("from the good one").finish();

export const refuse = (exchange: ScriptedExchange) => void exchange.json(503, { error: { message: "busy" } });

interface Targets {
  readonly dialect?: string;
  /** Added to the model. */
  readonly model?: object;
  /** Of all routes but the last one's, whose target is to answer however busy the machine is. */
  readonly timeouts?: object;
}

/** The configuration of the model `smart` with a target on each upstream: `m0` on the route `r0`, and so on. */
export const configOf = (upstreams: readonly Pick<ScriptedUpstream, "url">[], more: Targets = {}) => ({
  routes: Object.fromEntries(
    upstreams.map(({ url }, index) => [
      `r${index}`,
      {
        dialect: more.dialect ?? "openai-chat",
        baseUrl: more.dialect === "anthropic-messages" ? url : `${url}/v1`,
        key: `sk-key-of-r${index}`,
        ...(more.timeouts && index < upstreams.length - 1 && { timeouts: more.timeouts }),
      },
    ]),
  ),
  models: {
    smart: { targets: upstreams.map((_, index) => ({ route: `r${index}`, model: `m${index}` })), ...more.model },
  },
});

/** The rows of a data directory's ledger, oldest first. */
export function rowsOf(path: string): Record<string, unknown>[] {
  using database = new DatabaseSync(join(path, LEDGER_FILE), { readOnly: true });
  return database
    .prepare("SELECT * FROM streams ORDER BY rowid")
    .all()
    .map((row) => ({ ...row }));
}

/** Adds a key to a data directory. */
export function addKey(path: string, key: GatewayKey): void {
  const store = new KeyDatabase(path);
  store.add(key);
  store.close();
}

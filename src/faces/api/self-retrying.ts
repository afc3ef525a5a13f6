import type { HttpExchange } from "../../core/ports/http-face.ts";
import type { MayRetry } from "../../core/ports/upstream.ts";

/** Stainless, which generates OpenAI's, Anthropic's and many other vendors' SDKs, counts its tries here, from 0. */
const STAINLESS = "x-stainless-retry-count";
/** Codex names its build here: codex_cli_rs, codex_exec, codex_vscode. */
const CODEX = /^codex/i;
/** The AI SDK's user agent: `ai/7.0.173 ai-sdk/openai/4.0.118 runtime/node.js/24`. */
const AI_SDK = /(?:^|\s)(?:ai|ai-sdk)\//i;

/**
 * Which failed calls are made again for this client. One that retries by its own rules gets every refusal at once:
 * else three tries of its would be nine calls, and none of its waits would be what it meant. A connection of ours that
 * was stale is no refusal, and is not its business.
 */
export function mayRetryFor(exchange: Pick<HttpExchange, "header">): MayRetry {
  const retriesItself =
    exchange.header(STAINLESS) !== undefined ||
    CODEX.test(exchange.header("originator") ?? "") ||
    AI_SDK.test(exchange.header("user-agent") ?? "") ||
    CODEX.test(exchange.header("user-agent") ?? "");
  return retriesItself ? "reconnect" : true;
}

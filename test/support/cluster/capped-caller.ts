import { setTimeout } from "node:timers/promises";
import { wallClock } from "./history.ts";
import type { MeteredPlan } from "./metered-upstream.ts";
import type { ClientNode } from "./resuming-client.ts";

/** What became of one request of a caller with caps. */
export interface CappedAnswer {
  readonly key: string;
  readonly caller: string;
  /** The life of the node that was asked. */
  readonly node: string;
  /** When it was answered: wall clock, in milliseconds. */
  readonly at: number;
  /** Of HTTP; 0 if the connection broke before there was one. */
  readonly status: number;
  /** The gateway's name for the stream; undefined if none was opened. */
  readonly stream: string | undefined;
  /** Why it was refused. */
  readonly code: string | undefined;
  /** How often it was refused because an engine was away, and asked again. */
  readonly again: number;
}

/** Who asks, and how. */
export interface CappedAsk {
  readonly caller: { readonly name: string; readonly secret: string };
  readonly plan: MeteredPlan;
  readonly maxTokens?: number | undefined;
  /** How often it asks again after 503, when the gateway says so. */
  readonly tries?: number;
  /** Called once the request was accepted, or refused for good. */
  readonly answered?: () => void;
}

/** What the gateway counts of a prompt beside the text of its one message, in tokens. */
const FRAME_TOKENS = 7;

/** The plan as a request's messages, whose text and frame count as many tokens as the plan says. */
export function messagesOf(plan: MeteredPlan) {
  const text = JSON.stringify(plan);
  const characters = 4 * (plan.promptTokens - FRAME_TOKENS);
  if (text.length > characters) throw new Error(`a prompt of ${plan.promptTokens} tokens is too short for its plan`);
  return [{ role: "user", content: text.padEnd(characters) }];
}

/** A request of Chat Completions on a node. Resolves when its answer is over. */
export async function ask(
  node: ClientNode,
  { caller, plan, maxTokens, tries = 0, answered }: CappedAsk,
): Promise<CappedAnswer> {
  const body = JSON.stringify({ model: "gpt", stream: true, messages: messagesOf(plan), max_tokens: maxTokens });
  const headers = { authorization: `Bearer ${caller.secret}`, "content-type": "application/json" };
  const none = { key: plan.key, caller: caller.name, node: node.name };
  for (let again = 0; ; again++) {
    // A node that dies breaks the connection.
    const answer = await fetch(`${node.url}/v1/chat/completions`, { method: "POST", headers, body }).catch(
      () => undefined,
    );
    const { status = 0 } = answer ?? {};
    if (status === 503 && again < tries) {
      await answer?.text();
      await setTimeout(1_000 * Number(answer?.headers.get("retry-after") ?? 1));
      continue;
    }
    const at = wallClock();
    answered?.();
    const stream = answer?.headers.get("x-sluice-stream") ?? undefined;
    const text = (await answer?.text().catch(() => "")) ?? "";
    return { ...none, at, again, status, stream, code: status === 200 ? undefined : codeIn(text) };
  }
}

const codeIn = (text: string): string => {
  try {
    const { code, type } = JSON.parse(text).error;
    return String(code ?? type);
  } catch {
    return text.slice(0, 80);
  }
};

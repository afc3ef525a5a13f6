/** The words of an upstream that keeps a bill, dialect by dialect. */
import type { Bill, Plan } from "./billing-upstream.ts";

export type BilledDialect = "openai-chat" | "anthropic-messages" | "openai-responses";

/** The n-th text of an answer: tells them apart, and has four characters a token, with which Sluice estimates. */
export const saidWords = (n: number, tokens: number): string =>
  String(n % 10_000).padStart(4, "0") + "word".repeat(tokens - 1);

/** The id of an answer's call of a tool. */
export const callId = (key: string): string => `call_${key}`;
/** The tool that is called. */
export const LOOK = { name: "look", arguments: '{"at":"it"}' };

/** What an answer of this plan says. */
export function wordingOf(dialect: BilledDialect, plan: Plan, bill: Bill): Wording {
  if (dialect === "openai-chat") return chat(plan, bill);
  return dialect === "anthropic-messages" ? anthropic(plan, bill) : responses(plan, bill);
}

/** What an upstream with a bill says in one dialect. */
export interface Wording {
  readonly begin: string;
  /** The n-th event of text, from 1. */
  event(n: number, tokens: number): string;
  error(): string;
  end(withUsage: boolean): string;
}

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;

function chat({ key, cacheReadTokens, callsTool }: Plan, bill: Bill): Wording {
  const choice = (delta: object, reason: string | null) =>
    data({ choices: [{ index: 0, delta, finish_reason: reason }] });
  const usage = () => ({
    prompt_tokens: bill.inputTokens,
    completion_tokens: bill.outputTokens,
    total_tokens: bill.inputTokens + bill.outputTokens,
    prompt_tokens_details: { cached_tokens: cacheReadTokens },
  });
  return {
    begin: choice({ role: "assistant" }, null),
    event: (n, tokens) => choice({ content: saidWords(n, tokens) }, null),
    error: () => data({ error: { message: "the model broke", type: "server_error" } }),
    end: (withUsage) =>
      `${callsTool ? choice({ tool_calls: [{ index: 0, id: callId(key), function: LOOK }] }, null) : ""}` +
      `${choice({}, callsTool ? "tool_calls" : "stop")}${withUsage ? data({ choices: [], usage: usage() }) : ""}data: [DONE]\n\n`,
  };
}

function anthropic({ cacheReadTokens }: Plan, bill: Bill): Wording {
  const event = (value: { readonly type: string }) => `event: ${value.type}\n${data(value)}`;
  const message = (usage: object) =>
    event({ type: "message_start", message: { role: "assistant", content: [], usage } } as never);
  const input = { input_tokens: bill.inputTokens - cacheReadTokens, cache_read_input_tokens: cacheReadTokens };
  const delta = (value: object) => event({ type: "message_delta", ...value } as never);
  return {
    begin: message({ ...input, output_tokens: 1 }),
    event: (n, tokens) =>
      event({
        type: "content_block_delta",
        index: 0,
        delta: { type: "text_delta", text: saidWords(n, tokens) },
      } as never),
    error: () => event({ type: "error", error: { type: "overloaded_error", message: "busy" } } as never),
    end: (withUsage) =>
      delta({
        delta: { stop_reason: "end_turn" },
        ...(withUsage && { usage: { output_tokens: bill.outputTokens } }),
      }) + event({ type: "message_stop" }),
  };
}

function responses({ key, cacheReadTokens, callsTool }: Plan, bill: Bill): Wording {
  let sequence_number = 0;
  let text = "";
  const event = (type: string, fields: object) =>
    `event: ${type}\n${data({ type, ...fields, sequence_number: sequence_number++ })}`;
  const response = (status: string, more: object) => ({
    response: { id: `resp_${key}`, object: "response", created_at: 1_790_000_000, status, output: [], ...more },
  });
  const message = (status: string) => ({
    id: `msg_${key}`,
    type: "message",
    role: "assistant",
    status,
    content: status === "completed" ? [{ type: "output_text", text, annotations: [] }] : [],
  });
  const call = { id: `fc_${key}`, type: "function_call", status: "completed", call_id: callId(key), ...LOOK };
  const usage = () => ({
    input_tokens: bill.inputTokens,
    input_tokens_details: { cached_tokens: cacheReadTokens },
    output_tokens: bill.outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: bill.inputTokens + bill.outputTokens,
  });
  return {
    begin:
      event("response.created", response("in_progress", {})) +
      event("response.output_item.added", { output_index: 0, item: message("in_progress") }),
    event(n, tokens) {
      const delta = saidWords(n, tokens);
      text += delta;
      return event("response.output_text.delta", { item_id: `msg_${key}`, output_index: 0, content_index: 0, delta });
    },
    error: () =>
      event("response.failed", response("failed", { error: { code: "server_error", message: "the model broke" } })),
    end(withUsage) {
      const output = [message("completed"), ...(callsTool ? [call] : [])];
      const done = output.map((item, output_index) => event("response.output_item.done", { output_index, item }));
      const ended = response("completed", { output, ...(withUsage && { usage: usage() }) });
      return `${done.join("")}${event("response.completed", ended)}`;
    },
  };
}

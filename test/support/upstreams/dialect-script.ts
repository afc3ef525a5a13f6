import type { ScriptedExchange } from "./scripted-upstream.ts";

/** One answer of a model, written piece by piece in its provider's events. */
export interface DialectScript {
  thinking(text: string): void;
  text(text: string): void;
  call(id: string, name: string): void;
  finish(): void;
}

function chat(exchange: ScriptedExchange): DialectScript {
  exchange.sse();
  const chunk = (delta: object) => exchange.event({ choices: [{ index: 0, delta, finish_reason: null }] });
  return {
    thinking: (text) => chunk({ reasoning_content: text }),
    text: (text) => chunk({ content: text }),
    call: (id, name) =>
      chunk({ tool_calls: [{ index: 0, id, type: "function", function: { name, arguments: "{}" } }] }),
    finish: () => exchange.finishChat(),
  };
}

function anthropic(exchange: ScriptedExchange): DialectScript {
  exchange.sse().event({ type: "message_start", message: { id: "m", usage: { input_tokens: 3 } } });
  let index = 0;
  const block = (start: object, ...deltas: object[]) => {
    exchange.event({ type: "content_block_start", index, content_block: start });
    for (const delta of deltas) exchange.event({ type: "content_block_delta", index, delta });
    exchange.event({ type: "content_block_stop", index: index++ });
  };
  return {
    thinking(thinking) {
      const signature = { type: "signature_delta", signature: "signed" };
      block({ type: "thinking", thinking: "" }, { type: "thinking_delta", thinking }, signature);
    },
    text: (text) => block({ type: "text", text: "" }, { type: "text_delta", text }),
    call: (id, name) => block({ type: "tool_use", id, name, input: {} }),
    finish() {
      exchange.event({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } });
      exchange.event({ type: "message_stop" }).end();
    },
  };
}

function responses(exchange: ScriptedExchange): DialectScript {
  const send = (type: string, fields: object) =>
    exchange.event({ type: `response.${type}`, ...fields }, `response.${type}`);
  exchange.sse();
  send("created", { response: { id: "r" } });
  return {
    thinking: (delta) => send("reasoning_summary_text.delta", { output_index: 0, delta }),
    text: (delta) => send("output_text.delta", { output_index: 1, delta }),
    call(id, name) {
      const item = { type: "function_call", call_id: id, name, arguments: "{}" };
      send("output_item.added", { output_index: 2, item });
    },
    finish() {
      send("completed", { response: { id: "r", status: "completed", usage: { input_tokens: 3, output_tokens: 2 } } });
      exchange.end();
    },
  };
}

/** By the page's model. */
export const SCRIPTS = { demo: anthropic, "demo-chat": chat, "demo-responses": responses } as const;

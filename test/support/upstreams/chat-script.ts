import type { ScriptedExchange } from "./scripted-upstream.ts";

/** A Chat Completions answer that a test writes piece by piece. */
export class ChatScript {
  readonly exchange: ScriptedExchange;

  constructor(exchange: ScriptedExchange) {
    this.exchange = exchange.sse();
  }

  text(content: string): this {
    return this.#chunk({ content });
  }

  thinking(content: string): this {
    return this.#chunk({ reasoning_content: content });
  }

  call(name: string, args: object): this {
    const call = { name, arguments: JSON.stringify(args) };
    return this.#chunk({ tool_calls: [{ index: 0, id: "call_1", type: "function", function: call }] });
  }

  /** The rest of a good answer. */
  finish(usage = { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 }): void {
    this.#chunk({}, "stop");
    this.exchange.event({ id: "c1", object: "chat.completion.chunk", choices: [], usage }).event("[DONE]").end();
  }

  #chunk(delta: object, finish: string | null = null): this {
    const choices = [{ index: 0, delta, finish_reason: finish }];
    this.exchange.event({ id: "c1", object: "chat.completion.chunk", choices });
    return this;
  }
}

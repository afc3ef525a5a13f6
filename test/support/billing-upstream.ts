import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** The script of an answer: `plan` in a request's body, beside what its dialect needs. */
export interface Plan {
  /** The name of its bill. */
  readonly key: string;
  readonly inputTokens: number;
  /** Tokens of each event, in order. */
  readonly eventTokens: readonly number[];
  readonly cacheReadTokens: number;
  readonly end: "complete" | "truncate" | "error_event" | "reset" | "refuse" | "no_usage";
  /** Pause between two events; 0 writes them all at once. */
  readonly paceMs: number;
}

/** The upstream's charge for one answer: its input, and each token written before the connection closed. */
export interface Bill {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
}

export interface BillingUpstream extends AsyncDisposable {
  readonly url: string;
  readonly bills: ReadonlyMap<string, Bill>;
}

type Dialect = "openai-chat" | "anthropic-messages";

/** Words of this many tokens, at the four characters per token that Sluice estimates with. */
const words = (tokens: number): string => "word".repeat(tokens);

/** An upstream of two dialects that keeps an exact bill. It reports usage where its dialect does. */
export async function startBillingUpstream(): Promise<BillingUpstream> {
  const bills = new Map<string, Bill>();

  function answer(plan: Plan, dialect: Dialect, response: ServerResponse): void {
    const bill: Bill = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0 };
    bills.set(plan.key, bill);
    if (plan.end === "refuse") {
      response.writeHead(400, { "content-type": "application/json" }).end('{"error":{"message":"no"}}');
      return;
    }
    bill.inputTokens = plan.inputTokens;
    bill.cacheReadTokens = plan.cacheReadTokens;
    const say = dialect === "openai-chat" ? chat(plan, bill) : anthropic(plan, bill);
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(say.begin);
    let next = 0;
    const write = (): void => {
      if (response.destroyed) return;
      let text = "";
      do {
        const tokens = plan.eventTokens[next++];
        if (tokens === undefined) {
          finish(text);
          return;
        }
        bill.outputTokens += tokens;
        text += say.event(tokens);
      } while (plan.paceMs === 0);
      response.write(text);
      setTimeout(write, plan.paceMs);
    };
    const finish = (text: string): void => {
      if (plan.end === "reset") response.write(text, () => response.socket?.resetAndDestroy());
      else if (plan.end === "truncate") response.end(text);
      else if (plan.end === "error_event") response.end(text + say.error);
      else response.end(text + say.end(plan.end === "complete"));
    };
    write();
  }

  const server = createServer((request, response) => void serve(request, response));
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += chunk;
    answer(JSON.parse(body).plan, request.url?.endsWith("/messages") ? "anthropic-messages" : "openai-chat", response);
  }
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bills,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

interface Wording {
  readonly begin: string;
  event(tokens: number): string;
  readonly error: string;
  end(withUsage: boolean): string;
}

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;

function chat({ cacheReadTokens }: Plan, bill: Bill): Wording {
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
    event: (tokens) => choice({ content: words(tokens) }, null),
    error: data({ error: { message: "the model broke", type: "server_error" } }),
    end: (withUsage) =>
      `${choice({}, "stop")}${withUsage ? data({ choices: [], usage: usage() }) : ""}data: [DONE]\n\n`,
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
    event: (tokens) =>
      event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: words(tokens) } } as never),
    error: event({ type: "error", error: { type: "overloaded_error", message: "busy" } } as never),
    end: (withUsage) =>
      delta({
        delta: { stop_reason: "end_turn" },
        ...(withUsage && { usage: { output_tokens: bill.outputTokens } }),
      }) + event({ type: "message_stop" }),
  };
}

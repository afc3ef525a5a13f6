import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type BilledDialect, wordingOf } from "./billing-words.ts";

/** The script of an answer: `plan` in a request's body, beside what its dialect needs. */
export interface Plan {
  /** The name of its bill. */
  readonly key: string;
  readonly inputTokens: number;
  /** Tokens of each event, in order. */
  readonly eventTokens: readonly number[];
  readonly cacheReadTokens: number;
  readonly end: "complete" | "truncate" | "error_event" | "reset" | "refuse" | "no_usage";
  /** Whether a call of the tool `look` follows the text; not for `anthropic-messages`. */
  readonly callsTool?: boolean;
  /** Pause between two events; 0 writes them all at once. */
  readonly paceMs: number;
}

/** The upstream's charge for one answer: its input, and each token written before the connection closed. */
export interface Bill {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  /** How often it was asked. */
  calls: number;
  /** When it was asked (wall clock, in milliseconds). */
  readonly at: number;
  /** The model it was asked for. */
  readonly model: string;
  /** Events written. `[DONE]` is one only where nothing before it, such as the usage, says that the answer is complete. */
  events: number;
}

/** What a request had in its body. */
export interface BilledRequest {
  readonly plan: Plan;
  readonly model: string;
  readonly [field: string]: unknown;
}

export interface BillingUpstream extends AsyncDisposable {
  readonly url: string;
  readonly bills: ReadonlyMap<string, Bill>;
}

/** By the end of a request's path. */
const DIALECTS: Readonly<Record<string, BilledDialect>> = {
  messages: "anthropic-messages",
  responses: "openai-responses",
};

/** An upstream of three dialects that keeps an exact bill. It reports usage where its dialect does, and `look`s at each request. */
export async function startBillingUpstream(
  look: (request: BilledRequest) => void = () => {},
): Promise<BillingUpstream> {
  const bills = new Map<string, Bill>();

  function answer(request: BilledRequest, dialect: BilledDialect, response: ServerResponse): void {
    const { plan, model } = request;
    const calls = (bills.get(plan.key)?.calls ?? 0) + 1;
    const none = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, events: 0 };
    const bill: Bill = { ...none, calls, at: Date.now(), model };
    bills.set(plan.key, bill);
    look(request);
    if (plan.end === "refuse") {
      response.writeHead(400, { "content-type": "application/json" }).end('{"error":{"message":"no"}}');
      return;
    }
    bill.inputTokens = plan.inputTokens;
    bill.cacheReadTokens = plan.cacheReadTokens;
    const say = wordingOf(dialect, plan, bill);
    response.writeHead(200, { "content-type": "text/event-stream" });
    const send = (text: string): string => {
      bill.events += text.split(plan.end === "no_usage" ? "data: " : "data: {").length - 1;
      return text;
    };
    response.write(send(say.begin));
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
        text += send(say.event(next, tokens));
      } while (plan.paceMs === 0);
      response.write(text);
      setTimeout(write, plan.paceMs);
    };
    const finish = (text: string): void => {
      if (plan.end === "reset") response.write(text, () => response.socket?.resetAndDestroy());
      else if (plan.end === "truncate") response.end(text);
      else if (plan.end === "error_event") response.end(text + send(say.error()));
      else response.end(text + send(say.end(plan.end === "complete")));
    };
    write();
  }

  const server = createServer((request, response) => void serve(request, response));
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += chunk;
    answer(JSON.parse(body), DIALECTS[request.url?.split("/").at(-1) ?? ""] ?? "openai-chat", response);
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

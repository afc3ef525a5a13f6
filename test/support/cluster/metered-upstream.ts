import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { saidWords } from "../upstreams/billing-words.ts";

/** What a request asks of the upstream, as the text of its message. */
export interface MeteredPlan {
  /** The name of its bill. */
  readonly key: string;
  readonly promptTokens: number;
  /** The answer has so many tokens, or as many as the request's limit allows. */
  readonly outputTokens: number;
  readonly tokensPerEvent: number;
  /** Pause between two events, in milliseconds. */
  readonly paceMs: number;
  /** Writes nothing until `letGo`. */
  readonly waits?: boolean;
}

/** The upstream's own count of one answer. */
export interface MeteredBill {
  calls: number;
  tokens: number;
  /** Whether the answer was written to its end. */
  isWhole: boolean;
}

/** An upstream of Chat Completions that counts what it takes and writes, and keeps to a request's `max_tokens` as providers do. */
export interface MeteredUpstream extends AsyncDisposable {
  readonly url: string;
  readonly bills: ReadonlyMap<string, MeteredBill>;
  /** Answers that wait go on, and none waits any more. */
  letGo(): void;
  /** From now on answers wait again. */
  hold(): void;
}

interface MeteredRequest {
  readonly messages: readonly { readonly content: string }[];
  readonly max_tokens?: number;
}

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const choice = (delta: object, reason: string | null) =>
  data({ choices: [{ index: 0, delta, finish_reason: reason }] });

/** Starts it in this process. */
export async function startMeteredUpstream(): Promise<MeteredUpstream> {
  const bills = new Map<string, MeteredBill>();
  let opened = Promise.withResolvers<void>();
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => void serve(request, response));

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { messages, max_tokens }: MeteredRequest = JSON.parse(body);
    const plan: MeteredPlan = JSON.parse(messages[0]?.content ?? "");
    const { key, promptTokens, waits } = plan;
    const bill = bills.get(key) ?? { calls: 0, tokens: 0, isWhole: false };
    bills.set(key, bill);
    bill.calls++;
    bill.tokens += promptTokens;
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(choice({ role: "assistant" }, null));
    if (waits) await opened.promise;
    write(plan, max_tokens, bill, response);
  }

  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bills,
    letGo: () => opened.resolve(),
    hold() {
      opened = Promise.withResolvers<void>();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Writes an answer event by event, and bills each. */
function write(plan: MeteredPlan, most: number | undefined, bill: MeteredBill, response: ServerResponse): void {
  const { promptTokens, tokensPerEvent, paceMs } = plan;
  const outputTokens = Math.min(plan.outputTokens, most ?? plan.outputTokens);
  let written = 0;
  let events = 0;
  const step = (): void => {
    if (response.destroyed) return;
    if (written < outputTokens) {
      const tokens = Math.min(tokensPerEvent, outputTokens - written);
      written += tokens;
      bill.tokens += tokens;
      const isTaken = response.write(choice({ content: saidWords(++events, tokens) }, null));
      if (isTaken) setTimeout(step, paceMs);
      else response.once("drain", step);
      return;
    }
    const usage = {
      prompt_tokens: promptTokens,
      completion_tokens: outputTokens,
      total_tokens: promptTokens + outputTokens,
    };
    bill.isWhole = true;
    const reason = outputTokens < plan.outputTokens ? "length" : "stop";
    response.end(`${choice({}, reason)}${data({ choices: [], usage })}data: [DONE]\n\n`);
  };
  step();
}

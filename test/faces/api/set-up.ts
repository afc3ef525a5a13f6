import { SseClient } from "../../support/clients/sse-client.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

export const chunk = (text: string) => ({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] });
export const FINISH = {
  choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
  usage: { prompt_tokens: 3, completion_tokens: 2 },
};

/** A path of the gateway's, with a body that its dialect's providers would take. */
export const CHAT = {
  path: "/v1/chat/completions",
  body: { model: "gpt", stream: true, messages: [{ role: "user", content: "Hi" }] },
};
export const MESSAGES = {
  path: "/v1/messages",
  body: { model: "claude", stream: true, max_tokens: 64, messages: [{ role: "user", content: "Hi" }] },
};
export const RESPONSES = { path: "/v1/responses", body: { model: "responses", stream: true, input: "Hi" } };

export interface Asked {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

type Config = Record<string, unknown>;

/** A gateway over a scripted upstream, and clients of its HTTP APIs that were written by nobody's SDK. */
export async function setUp(config: Config | ((upstream: string) => Config) = {}) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const gateway = stack.use(
    await startTestGateway({
      upstream: upstream.url,
      config: typeof config === "function" ? config(upstream.url) : config,
    }),
  );

  return {
    upstream,
    gateway,
    /** Sends a body and waits for the whole answer. */
    async post({ path, body }: { path: string; body: unknown }, headers: Record<string, string> = {}) {
      const response = await fetch(gateway.url + path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text };
    },
    /** Sends a body and waits for the head of the answer. */
    async stream({ path, body }: Asked, headers: Record<string, string> = {}, stalled = false) {
      const all = { "content-type": "application/json", ...headers };
      return stack.use(await SseClient.open(gateway.url + path, all, stalled, JSON.stringify(body)));
    },
    /** Waits until the gateway has done what its log or its metrics then show. */
    async until(condition: () => boolean): Promise<void> {
      await turnsUntil(() => condition());
    },
    /** Waits until a figure of the gateway's own is this. */
    async metric(name: string, value: number, headers: Record<string, string> = {}): Promise<void> {
      await turnsUntil(async () => {
        const page = await fetch(`${gateway.url}/metrics`, { headers });
        if (!page.ok) throw new Error(`the metrics answer ${page.status}`);
        return (await page.text()).split("\n").includes(`${name} ${value}`);
      });
    },
    /** The one line of the log about a stream, when there is one. */
    streamLine: () => gateway.log.lines.find(({ event }) => event === "stream"),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

import { SseClient } from "../../support/clients/sse-client.ts";
import { StreamClient } from "../../support/clients/stream-client.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { type ScriptedExchange, startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

export const chunk = (text: string) => ({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] });
export const DONE = {
  choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
  usage: { prompt_tokens: 3, completion_tokens: 2 },
};

export interface Opened {
  /** The gateway's name of the stream. */
  readonly stream: string;
  /** The upstream's side of it, its head not written yet. */
  readonly upstream: ScriptedExchange;
  /** Who opened it, and reads it as `a` until somebody else does. */
  readonly client: StreamClient;
}

/** A gateway, its scripted upstream, and HTTP readers of streams that are opened over WebSockets. */
export async function setUp(config: Record<string, unknown> = {}) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const gateway = stack.use(await startTestGateway({ upstream: upstream.url, config }));
  const url = (stream: string, query = "", action = "events") =>
    `${gateway.url}/v1/streams/${stream}/${action}${query}`;
  const connect = async (token?: string) =>
    stack.use(await (await StreamClient.connect(gateway.url, token === undefined ? {} : { token })).hello());

  return {
    upstream,
    gateway,
    url,
    connect,
    /** Opens a stream over a WebSocket of its own. */
    async open(fields: Record<string, unknown> = {}, token?: string): Promise<Opened> {
      const client = await connect(token);
      client.send({ type: "open", id: "a", model: "plain", body: {}, flow: "none", ...fields });
      const opened = await client.take(({ type }) => type === "opened" || type === "error");
      if (opened.type !== "opened") throw new Error(JSON.stringify(opened));
      return { stream: opened.stream, upstream: await upstream.request(), client };
    },
    async read(stream: string, query = "", headers: Record<string, string> = {}, stalled = false) {
      return stack.use(await SseClient.open(url(stream, query), headers, stalled));
    },
    async poll(stream: string, query: string, headers: Record<string, string> = {}): Promise<Polled> {
      const response = await fetch(url(stream, query), { headers });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, ...JSON.parse(text) };
    },
    cancel: (stream: string, headers: Record<string, string> = {}) =>
      fetch(url(stream, "", "cancel"), { method: "POST", headers }),
    /** Waits until the gateway's own figure fits. */
    async metric(name: string, fits: (value: number) => boolean): Promise<void> {
      for (;;) {
        const page = await (await fetch(`${gateway.url}/metrics`)).text();
        const line = page.split("\n").find((candidate) => candidate.startsWith(`${name} `));
        if (line !== undefined && fits(Number(line.slice(name.length)))) return;
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

export interface Polled {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly epoch: number;
  readonly events: readonly { seq: number; event?: string; data: unknown; raw?: true }[];
  readonly end?: Record<string, unknown>;
  readonly error?: { readonly code: string; readonly details?: Record<string, unknown> };
}

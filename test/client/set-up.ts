import { WebSocket } from "ws";
import { type ConnectOptions, connect, type Sluice, type SluiceStream } from "../../src/client/index.ts";
import { startTestGateway, type TestGateway, type TestGatewayOptions } from "../support/gateways/gateway.ts";
import {
  type ScriptedExchange,
  type ScriptedUpstream,
  startScriptedUpstream,
} from "../support/upstreams/scripted-upstream.ts";

/** A gateway over a scripted upstream, and its client. */
export interface Stage extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly upstream: ScriptedUpstream;
  readonly sluice: Sluice;
}

/** Starts them; the client connects through `through`, if that is given. */
export async function startStage(
  options: Partial<ConnectOptions> & TestGatewayOptions = {},
  through?: (gateway: TestGateway) => Promise<string>,
): Promise<Stage> {
  await using started = new AsyncDisposableStack();
  const { config = {}, ...client } = options;
  const upstream = started.use(await startScriptedUpstream());
  const gateway = started.use(await startTestGateway({ upstream: upstream.url, config }));
  const sluice = started.adopt(connect({ url: (await through?.(gateway)) ?? gateway.url, ...client }), (made) =>
    made.close(),
  );
  const parts = started.move();
  return { gateway, upstream, sluice, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** A request to the Chat Completions route. */
export const CHAT = { model: "gpt", dialect: "openai-chat", body: { messages: [] } } as const;

/** One chunk with this text. */
export const chunk = (content: string) => ({ choices: [{ index: 0, delta: { content } }] });

/** Answers with so many numbered texts, and the end. */
export function answer(exchange: ScriptedExchange, count: number): void {
  exchange.sse();
  for (let n = 1; n <= count; n++) exchange.event(chunk(`${n} `));
  exchange.finishChat();
}

/** The texts of numbered events: "1 2 3 ". */
export const numbers = (count: number): string => Array.from({ length: count }, (_, at) => `${at + 1} `).join("");

/** What a stream delivers until it ends. */
export async function seqsOf(stream: SluiceStream<unknown>): Promise<number[]> {
  const seqs: number[] = [];
  for await (const { seq } of stream) seqs.push(seq);
  return seqs;
}

/** Node's own WebSocket; the package's where a test wants to see both. */
export const PACKAGE_SOCKET = WebSocket;

/** Limits that let a client make as many sockets as it can, and send every frame, whatever the machine does. */
export const MANY_SOCKETS = {
  sockets: { upgradesPerSecond: 100_000 },
  requests: { framesPerSecond: 100_000 },
  opensPerSecond: 10_000,
  // Small, so that a loop soon needs the next socket.
  streams: { windowEvents: 2 },
};

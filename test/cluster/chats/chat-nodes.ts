import { AiChat, type AiChatOptions } from "../../support/clients/ai-chat.ts";
import { letJudge, startTwoNodes } from "../../support/nodes/two-nodes.ts";
import { chunk } from "../../support/relay/opened-stream.ts";
import type { TestRedis } from "../../support/stores/redis.ts";
import type { ScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

/** A chat of the AI SDK's own class on a node. */
export const chatOn = ({ url }: { readonly url: string }, options: AiChatOptions = {}): AiChat =>
  new AiChat(url, { body: { model: "gpt" }, ...options });

/** Two nodes, which know all of their cluster, and chats of the AI SDK's own class on them. */
export async function startChatNodes(
  redis: TestRedis,
  directory: string,
  more: Readonly<Record<string, unknown>> = {},
) {
  const stack = new AsyncDisposableStack();
  const { a, b, upstream } = stack.use(await startTwoNodes(redis, directory, more));
  await letJudge(redis, directory);
  return {
    ...{ a, b, upstream },
    chat: (node: { readonly url: string }, options?: AiChatOptions) => stack.use(chatOn(node, options)),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The text of the newest message comes to be this. */
export const isSaid =
  (text: string, ...chats: readonly AiChat[]) =>
  () =>
    chats.every(({ said }) => said === text);

const QUESTION = { text: "Hello" };

/** Asks in a chat. Resolves once the upstream has begun to answer with this text; `sending` resolves when the chat has all of it. */
export async function ask(chat: AiChat, upstream: ScriptedUpstream, text = "Hi") {
  const sending = chat.sendMessage(QUESTION);
  const exchange = (await upstream.request()).sse().event(chunk(text));
  return { sending, exchange };
}

/** Asks in a chat, which has these texts as its whole answer then. */
export async function askFor(chat: AiChat, upstream: ScriptedUpstream, ...texts: readonly string[]): Promise<void> {
  const sending = chat.sendMessage(QUESTION);
  const exchange = (await upstream.request()).sse();
  for (const text of texts) exchange.event(chunk(text));
  exchange.finishChat();
  await sending;
}

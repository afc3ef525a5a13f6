import { AiChat, type AiChatOptions } from "../../support/ai-chat.ts";
import type { TestRedis } from "../../support/redis.ts";
import { letJudge, startTwoNodes } from "../../support/two-nodes.ts";

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

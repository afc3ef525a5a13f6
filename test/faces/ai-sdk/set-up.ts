import { AiChat, type AiChatOptions } from "../../support/clients/ai-chat.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

/** A gateway over a scripted upstream, and chats of the AI SDK's own class. */
export async function setUp(config: Record<string, unknown> = {}) {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startScriptedUpstream());
  const gateway = stack.use(await startTestGateway({ upstream: upstream.url, config }));
  return {
    upstream,
    gateway,
    chat: (options: AiChatOptions = {}) => stack.use(new AiChat(gateway.url, { body: { model: "gpt" }, ...options })),
    /** Waits for what happens in another part of the process. */
    async until(condition: () => boolean): Promise<void> {
      await turnsUntil(() => condition());
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

export const said = (content: string) => ({ choices: [{ index: 0, delta: { content } }] });

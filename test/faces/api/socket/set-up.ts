import { ResponsesSocketClient } from "../../../support/clients/responses-socket-client.ts";
import { startTestGateway } from "../../../support/gateways/gateway.ts";
import { bodyOf, respond, saidItem } from "../../../support/upstreams/responses-script.ts";
import { startScriptedUpstream } from "../../../support/upstreams/scripted-upstream.ts";

/** A gateway over a scripted upstream, and a client of its Responses WebSocket, who shows `token`. */
export async function setUp(config: Record<string, unknown> = {}, token?: string) {
  await using made = new AsyncDisposableStack();
  const upstream = made.use(await startScriptedUpstream());
  const gateway = made.use(await startTestGateway({ upstream: upstream.url, config }));
  const client = made.use(await ResponsesSocketClient.connect(gateway.url, token));
  const stack = made.move();
  return {
    upstream,
    gateway,
    client,
    connect: async () => stack.use(await ResponsesSocketClient.connect(gateway.url, token)),
    /** Waits for the provider's next request, answers it, and returns its body. */
    async answer(id: string, output: readonly Record<string, unknown>[] = [saidItem("Hi")]) {
      const exchange = await upstream.request();
      respond(exchange, id, output);
      return bodyOf(exchange);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

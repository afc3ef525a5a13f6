/** The browser's half of OpenClaw's own client, over the WebSocket that browsers have. */
import { expect, test } from "@jest/globals";
import { type EventFrame, GatewayProtocolClient } from "@openclaw/gateway-client/browser";
import { startTestGateway } from "../../../support/gateways/gateway.ts";
import { FrameCheck } from "../../../support/openclaw/openclaw-schemas.ts";
import { startScriptedUpstream } from "../../../support/upstreams/scripted-upstream.ts";

const TOKEN = "a-shared-token-of-the-test";

/** Resolves with the greeted client; `heard` gets every event. */
function connect(url: string, heard: (event: EventFrame) => void, gaps: unknown[]) {
  return new Promise<GatewayProtocolClient<undefined>>((resolve, reject) => {
    const client = new GatewayProtocolClient<undefined>({
      createSocket(handlers) {
        const socket = new WebSocket(url.replace(/^http/, "ws"));
        socket.onopen = () => handlers.open();
        socket.onmessage = ({ data }) => handlers.message(String(data));
        socket.onclose = ({ code, reason }) => handlers.close(code, reason);
        socket.onerror = () => handlers.error(new Error("the socket failed"));
        return {
          isOpen: () => socket.readyState === WebSocket.OPEN,
          send: (text) => socket.send(text),
          close: (code, reason) => socket.close(code, reason),
        };
      },
      createRequestId: () => crypto.randomUUID(),
      buildConnectPlan: () => undefined,
      buildConnectParams: () => ({
        minProtocol: 4,
        maxProtocol: 4,
        client: { id: "webchat-ui", version: "1.0.0", platform: "web", mode: "webchat" },
        role: "operator",
        scopes: ["operator.read", "operator.write"],
        auth: { token: TOKEN },
      }),
      resolveClose: () => ({ retry: false, notify: true }),
      onConnectError: reject,
      onHello: () => resolve(client),
      onEvent: heard,
      onGap: (gap) => void gaps.push(gap),
      handshake: { mode: "require-challenge", timeoutMs: 10_000 },
      reconnect: { initialMs: 1_000, multiplier: 2, maxMs: 10_000 },
    });
    client.start();
  });
}

test("the browser entry of @openclaw/gateway-client chats", async () => {
  await using upstream = await startScriptedUpstream();
  await using gateway = await startTestGateway({
    upstream: upstream.url,
    config: { auth: { token: TOKEN }, defaultModel: "gpt" },
  });
  const check = new FrameCheck();
  const gaps: unknown[] = [];
  const texts: string[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const client = await connect(
    gateway.url,
    (frame) => {
      const { event, payload } = frame;
      if (event !== "connect.challenge") check.received(frame);
      const { state, deltaText } = (event === "chat" ? payload : {}) as { state?: string; deltaText?: string };
      if (state === "delta" && deltaText) texts.push(deltaText);
      if (state === "final") resolve();
    },
    gaps,
  );
  const sent = client.request("chat.send", { sessionKey: "main", message: "hello", idempotencyKey: "r1" });
  const exchange = (await upstream.request()).sse();
  for (const content of ["Good ", "evening"]) exchange.event({ choices: [{ index: 0, delta: { content } }] });
  exchange
    .event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })
    .event("[DONE]")
    .end();
  expect(await sent).toMatchObject({ runId: "r1", status: "started" });
  await ended;
  expect(texts.join("")).toBe("Good evening");
  expect(gaps).toEqual([]);
  client.stop();
});

// Chats as an OpenClaw client, with OpenClaw's own package: npx node examples/openclaw-client.ts [prompt]
import { GatewayClient } from "@openclaw/gateway-client";

const [prompt = "Hello!"] = process.argv.slice(2);
const { SLUICE_URL: url = "ws://127.0.0.1:18789", SLUICE_TOKEN: token } = process.env;
const idempotencyKey = crypto.randomUUID(); // also the id of the run
let sentAt = 0;

const client = new GatewayClient({
  url,
  ...(token !== undefined && { token }),
  scopes: ["operator.read", "operator.write"],
  onHelloOk: () => {
    sentAt = performance.now();
    client.request("chat.send", { sessionKey: "main", message: prompt, idempotencyKey }).catch(fail);
  },
  onConnectError: fail,
  onEvent: ({ event, payload }) => {
    const chat = payload as { runId?: string; state?: string; deltaText?: string; errorMessage?: string };
    if (event !== "chat" || chat.runId !== idempotencyKey || chat.state === "status") return;
    if (chat.deltaText !== undefined && sentAt > 0) {
      console.log(`first token after ${(performance.now() - sentAt).toFixed(1)} ms\n`);
      sentAt = 0;
    }
    process.stdout.write(chat.deltaText ?? "");
    if (chat.state === "delta") return;
    console.log(`\n\n${chat.state}${chat.errorMessage === undefined ? "" : `: ${chat.errorMessage}`}`);
    client.stop();
  },
});

function fail(error: Error): void {
  console.error(error.message);
  client.stop();
}

client.start();

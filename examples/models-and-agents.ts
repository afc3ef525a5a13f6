// Asks a model and an OpenClaw agent over one socket: npx node examples/models-and-agents.ts gpt main-agent [prompt]
import { GatewayClient } from "@openclaw/gateway-client";

const [model = "gpt", agent = "main-agent", prompt = "Who are you? Answer in one sentence."] = process.argv.slice(2);
const { SLUICE_URL: url = "ws://127.0.0.1:18800", SLUICE_TOKEN: token } = process.env;
const answers = new Map<string, { from: string; text: string }>();

const client = new GatewayClient({
  url,
  ...(token !== undefined && { token }),
  scopes: ["operator.read", "operator.write"],
  onHelloOk: () => {
    for (const from of [model, agent]) ask(from).catch(fail);
  },
  onConnectError: fail,
  onEvent: ({ event, payload }) => {
    const chat = payload as { runId?: string; state?: string; deltaText?: string; errorMessage?: string };
    const answer = answers.get(chat.runId ?? "");
    if (event !== "chat" || !answer || chat.state === "status") return;
    answer.text += chat.deltaText ?? "";
    if (chat.state === "delta") return;
    console.log(`${answer.from}: ${chat.errorMessage ?? answer.text}`);
    answers.delete(chat.runId ?? "");
    if (answers.size === 0) client.stop();
  },
});

/** Each has a session of its own, which both remember when the example runs again. */
async function ask(from: string): Promise<void> {
  const idempotencyKey = crypto.randomUUID(); // also the id of the run
  answers.set(idempotencyKey, { from, text: "" });
  const key = `example:${from}`;
  await client.request("sessions.create", { key, model: from });
  await client.request("chat.send", { sessionKey: key, message: prompt, idempotencyKey });
}

function fail(error: Error): void {
  console.error(error.message);
  client.stop();
}

client.start();

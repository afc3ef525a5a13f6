import { turnsUntil } from "../jest/turns-until.ts";
import { type OpenClawClient, type Payload, ResponseError } from "../openclaw/openclaw-client.ts";

/** Sends a message, again as long as the node that leads refuses it: on a busy machine its lease may have lapsed for a moment. */
export async function sendSoon(client: OpenClawClient, runId: string, sessionKey = "main"): Promise<Payload> {
  const message = { sessionKey, message: `say ${runId}`, idempotencyKey: runId };
  let answer: Payload = {};
  await turnsUntil(async () => {
    try {
      answer = await client.request("chat.send", message);
      return true;
    } catch (error) {
      if (error instanceof ResponseError && error.error.retryable === true) return false;
      throw error;
    }
  });
  return answer;
}

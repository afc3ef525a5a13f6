import { WebSocket } from "ws";
import type { Plan } from "../upstreams/billing-upstream.ts";

/** A client's stream, and after how many events it stops listening; undefined: at the end. */
export interface Visit {
  readonly plan: Plan;
  readonly model: "gpt" | "claude";
  readonly abortAfter: number | undefined;
  /** The gateway key, if one is needed. */
  readonly token?: string;
}

const FACES = { gpt: "/v1/chat/completions", claude: "/v1/messages" } as const;

const credentials = ({ token }: Visit): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

const bodyOf = ({ plan, model }: Visit) => ({
  ...(model === "claude" && { max_tokens: 1_000 }),
  messages: [{ role: "user", content: "word".repeat(plan.inputTokens) }],
  plan,
});

/** Opens it on the stream face. Resolves with the gateway's name for it at its end; cancels it if asked to. */
export async function visitStreamFace(url: string, visit: Visit): Promise<string> {
  const ws = new WebSocket(`${url.replace("http", "ws")}/v1/stream`, ["sluice.v1"], {
    headers: credentials(visit),
  });
  return await new Promise((resolve, reject) => {
    let stream = "";
    let events = 0;
    ws.on("error", reject);
    ws.on("close", (code) => reject(new Error(`the socket closed with ${code}`)));
    ws.on("open", () => ws.send(JSON.stringify({ type: "open", id: "a", model: visit.model, body: bodyOf(visit) })));
    ws.on("message", (bytes) => {
      const frame = JSON.parse(String(bytes));
      if (frame.type === "opened") stream = frame.stream;
      if (frame.type === "event") {
        ws.send(JSON.stringify({ type: "ack", streams: { a: frame.seq } }));
        if (++events === visit.abortAfter) ws.send(JSON.stringify({ type: "cancel", id: "a" }));
      }
      if (frame.type === "error") reject(new Error(JSON.stringify(frame.error)));
      if (frame.type !== "end") return;
      ws.close();
      resolve(stream);
    });
  });
}

/** The same over HTTP, hanging up instead of cancelling. Resolves with undefined if no stream was opened. */
export async function visitHttpFace(url: string, visit: Visit): Promise<string | undefined> {
  const abort = new AbortController();
  const response = await fetch(`${url}${FACES[visit.model]}`, {
    method: "POST",
    headers: { ...credentials(visit), "content-type": "application/json", "anthropic-version": "2023-06-01" },
    body: JSON.stringify({ ...bodyOf(visit), model: visit.model, stream: true }),
    signal: abort.signal,
  });
  const stream = response.headers.get("x-sluice-stream") ?? undefined;
  let events = 0;
  try {
    for await (const chunk of response.body ?? []) {
      events += Buffer.from(chunk).toString("latin1").split("\n\n").length - 1;
      if (visit.abortAfter !== undefined && events >= visit.abortAfter) abort.abort();
    }
  } catch {
    // Either side hung up.
  }
  return stream;
}

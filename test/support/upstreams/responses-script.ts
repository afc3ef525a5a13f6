import type { ScriptedExchange } from "./scripted-upstream.ts";

/** What a provider's request had in its body. */
export const bodyOf = (exchange: ScriptedExchange): Record<string, unknown> => JSON.parse(exchange.body);

/** The events of a short Responses stream, in the order and with the fields of OpenAI's. */
export function responseEvents(id: string, output: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  const response = { id, object: "response", created_at: 1_790_000_000, model: "responses-test" };
  const items = output.flatMap((item, output_index) => [
    { type: "response.output_item.added", output_index, item: { ...item, status: "in_progress" } },
    ...(item.type === "message" ? [{ type: "response.output_text.delta", output_index, delta: "Hi" }] : []),
    { type: "response.output_item.done", output_index, item },
  ]);
  const usage = { input_tokens: 3, output_tokens: 2, total_tokens: 5 };
  return [
    { type: "response.created", response: { ...response, status: "in_progress", output: [] } },
    ...items,
    { type: "response.completed", response: { ...response, status: "completed", output, usage } },
  ].map((event, sequence_number) => ({ ...event, sequence_number }));
}

/** An item of an answer's text. */
export const saidItem = (text: string, id = "msg_1") => ({
  id,
  type: "message",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text, annotations: [] }],
});

/** Streams a complete response, with the name of each event as OpenAI sends it. */
export function respond(exchange: ScriptedExchange, id: string, output: readonly Record<string, unknown>[]): void {
  exchange.sse();
  for (const event of responseEvents(id, output)) exchange.event(event, String(event.type));
  exchange.end();
}

// The shapes of the vendors' SDKs over one Sluice socket: npx node examples/sdk-shapes.ts
import { connect, type Dialect, type DialectData, type Sluice } from "../src/client/index.ts";

/** A request as both SDKs write it, with whatever else the provider takes. */
interface StreamRequest extends Record<string, unknown> {
  readonly model: string;
  readonly stream: true;
}

interface RequestOptions {
  readonly signal?: AbortSignal;
}

/** The provider's own events, without Sluice's numbers. */
async function* dataOf<D extends Dialect>(
  sluice: Sluice,
  dialect: D,
  { model, stream: _, ...body }: StreamRequest,
  options: RequestOptions,
): AsyncGenerator<DialectData[D]> {
  for await (const { data } of sluice.open({ model, dialect, body, ...options })) yield data;
}

/** As `openai.chat.completions`. */
export const chatCompletions = (sluice: Sluice) => ({
  async *create(request: StreamRequest, options: RequestOptions = {}) {
    for await (const chunk of dataOf(sluice, "openai-chat", request, options)) if (chunk !== "[DONE]") yield chunk;
  },
});

/** As `anthropic.messages`. */
export const messages = (sluice: Sluice) => ({
  create: (request: StreamRequest, options: RequestOptions = {}) => dataOf(sluice, "anthropic", request, options),
});

if (import.meta.main) {
  const { SLUICE_URL: url = "http://127.0.0.1:18789", SLUICE_TOKEN: token = "" } = process.env;
  const sluice = connect({ url, token });
  const ask = [{ role: "user", content: "Hello! [[30x10]]" }];
  for await (const chunk of chatCompletions(sluice).create({ model: "demo-chat", messages: ask, stream: true })) {
    process.stdout.write(chunk.choices[0]?.delta.content ?? "");
  }
  console.log();
  for await (const event of messages(sluice).create({ model: "demo", max_tokens: 99, messages: ask, stream: true })) {
    if (event.type !== "content_block_delta" || event.delta.type !== "text_delta") continue;
    process.stdout.write(event.delta.text);
  }
  console.log();
  sluice.close();
}

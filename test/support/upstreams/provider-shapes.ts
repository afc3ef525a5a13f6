import type { ProviderName } from "../../../src/config/providers.ts";

/** What is expected of a call through one preset, and how its provider is documented to answer it. */
export interface ProviderShape {
  /** Below the scripted upstream's origin, where the preset's own address has this path. */
  readonly base: string;
  /** The path and query that arrive. */
  readonly path: string;
  /** The header with the key; none for a server without one. */
  readonly key: readonly [name: string, value: string] | undefined;
  /** Whether the request asks for its usage. */
  readonly asksUsage: boolean;
  /** The body of the answer, byte for byte. */
  readonly answer: string;
  readonly text: string;
  readonly thinking: string;
  readonly usage: Readonly<Record<string, number>>;
  readonly finish: string | undefined;
}

/** The key of every call. */
export const KEY = "sk-test-0123456789";

const bearer = ["authorization", `Bearer ${KEY}`] as const;
const event = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;
const DONE = "data: [DONE]\n\n";
const choice = (delta: object, finish: string | null = null) => [{ index: 0, delta, finish_reason: finish }];
const usage = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 };
const COUNTS = { inputTokens: 9, outputTokens: 4 };

/** A Chat Completions answer: thinking under one of its names, text, a finish reason with the fields beside it, and the rest. */
function chat(name: string, reasoning: object | undefined, beside: object, ...rest: readonly string[]): string {
  const head = { id: `${name}-1`, object: "chat.completion.chunk", created: 1_790_000_000, model: `${name}-model` };
  return [
    event({ ...head, choices: choice({ role: "assistant", content: "" }) }),
    ...(reasoning ? [event({ ...head, choices: choice(reasoning) })] : []),
    event({ ...head, choices: choice({ content: "Hello" }) }),
    event({ ...head, choices: choice({}, "stop"), ...beside }),
    ...rest,
  ].join("");
}

const last = (more: object = {}) => event({ choices: [], usage: { ...usage, ...more } });

/** Most answer like this: bearer key, usage asked for and sent in a last chunk without choices. */
const plain = (base: string, answer: string, more: Partial<ProviderShape> = {}): ProviderShape => ({
  base,
  path: `${base}/chat/completions`,
  key: bearer,
  asksUsage: true,
  answer,
  text: "Hello",
  thinking: "",
  usage: COUNTS,
  finish: "stop",
  ...more,
});

const local = (answer: string, thinking: string) => plain("/v1", answer, { key: undefined, thinking });

/** By preset: written after each provider's documentation and the field reports of its dialect, with made-up contents. */
export const SHAPES: Readonly<Record<ProviderName, ProviderShape>> = {
  anthropic: plain(
    "",
    [
      ["message_start", { message: { usage: { input_tokens: 9, output_tokens: 1 } } }],
      ["content_block_start", { index: 0, content_block: { type: "thinking", thinking: "" } }],
      ["ping", {}],
      ["content_block_delta", { index: 0, delta: { type: "thinking_delta", thinking: "Hm" } }],
      ["content_block_stop", { index: 0 }],
      ["content_block_start", { index: 1, content_block: { type: "text", text: "" } }],
      ["content_block_delta", { index: 1, delta: { type: "text_delta", text: "Hello" } }],
      ["content_block_stop", { index: 1 }],
      ["message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 4 } }],
      ["message_stop", {}],
    ]
      .map(([type, fields]) => `event: ${type}\n${event({ type, ...(fields as object) })}`)
      .join(""),
    { path: "/v1/messages", key: ["x-api-key", KEY], asksUsage: false, thinking: "Hm", finish: "end_turn" },
  ),
  openai: plain(
    "/v1",
    [
      ["response.created", { response: { id: "resp_1", status: "in_progress" } }],
      ["response.output_text.delta", { item_id: "msg_1", output_index: 0, content_index: 0, delta: "Hello" }],
      [
        "response.completed",
        { response: { id: "resp_1", status: "completed", usage: { input_tokens: 9, output_tokens: 4 } } },
      ],
    ]
      .map(([type, fields], at) => `event: ${type}\n${event({ type, sequence_number: at, ...(fields as object) })}`)
      .join(""),
    { path: "/v1/responses", asksUsage: false, finish: undefined },
  ),
  "openai-chat": plain("/v1", chat("openai", undefined, {}, last(), DONE)),
  openrouter: plain(
    "/api/v1",
    `: OPENROUTER PROCESSING\n\n${chat("openrouter", { reasoning: "Hm" }, {}, ": OPENROUTER PROCESSING\n\n", last({ cost: 0.1 }), DONE)}`,
    { thinking: "Hm" },
  ),
  azure: plain(
    "/openai/v1",
    event({ choices: [], prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] }) +
      chat("azure", undefined, {}, last(), DONE),
    { key: ["api-key", KEY] },
  ),
  "azure-deployment": plain(
    "/openai/deployments/mine",
    event({ choices: [], prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] }) +
      chat("azure", undefined, {}, last(), DONE),
    { key: ["api-key", KEY], path: "/openai/deployments/mine/chat/completions?api-version=2024-10-21" },
  ),
  google: plain(
    "/v1beta",
    [
      { candidates: [{ content: { parts: [{ text: "Hm", thought: true }], role: "model" }, index: 0 }] },
      { candidates: [{ content: { parts: [{ text: "Hello" }], role: "model" }, index: 0 }] },
      {
        candidates: [{ content: { parts: [{ text: "" }], role: "model" }, finishReason: "STOP", index: 0 }],
        usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 1, thoughtsTokenCount: 3, totalTokenCount: 13 },
      },
    ]
      .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
      .join(""),
    {
      path: "/v1beta/models/google-model:streamGenerateContent?alt=sse",
      key: ["x-goog-api-key", KEY],
      asksUsage: false,
      thinking: "Hm",
      finish: "STOP",
    },
  ),
  gemini: plain(
    "/v1beta/openai",
    event({ choices: choice({ role: "assistant", content: "Hello" }), usage: { ...usage, completion_tokens: 1 } }) +
      event({ choices: choice({}, "stop"), usage }) +
      DONE,
  ),
  bedrock: plain("/openai/v1", chat("bedrock", undefined, {}, last(), DONE)),
  xai: plain(
    "/v1",
    chat(
      "xai",
      { reasoning_content: "Hm" },
      {},
      last({ completion_tokens: 1, total_tokens: 13, completion_tokens_details: { reasoning_tokens: 3 } }),
      DONE,
    ),
    { thinking: "Hm", usage: { ...COUNTS, reasoningTokens: 3 } },
  ),
  groq: plain("/openai/v1", chat("groq", { reasoning: "Hm" }, { x_groq: { id: "req_1", usage } }, DONE), {
    thinking: "Hm",
  }),
  together: plain("/v1", chat("together", undefined, { usage }, DONE)),
  mistral: plain(
    "/v1",
    chat("mistral", { content: [{ type: "thinking", thinking: [{ type: "text", text: "Hm" }] }] }, { usage }, DONE),
    { asksUsage: false, thinking: "Hm" },
  ),
  deepseek: plain(
    "",
    `: keep-alive\n\n${chat("deepseek", { reasoning_content: "Hm" }, { usage: { ...usage, prompt_cache_hit_tokens: 5, prompt_cache_miss_tokens: 4 } }, DONE)}`,
    { thinking: "Hm", usage: { ...COUNTS, cacheReadTokens: 5 } },
  ),
  moonshot: plain(
    "/v1",
    chat("moonshot", { reasoning_content: "Hm" }, { choices: [{ ...choice({}, "stop")[0], usage }] }, DONE),
    { thinking: "Hm" },
  ),
  "moonshot-cn": plain("/v1", chat("moonshot", { reasoning_content: "Hm" }, { usage }, DONE), { thinking: "Hm" }),
  ollama: local(chat("ollama", { reasoning: "Hm" }, {}, last(), DONE), "Hm"),
  vllm: local(chat("vllm", { reasoning: "Hm" }, {}, last(), DONE), "Hm"),
  "llama.cpp": local(
    `:\n\n${chat("llama", { reasoning_content: "Hm" }, {}, event({ choices: [], usage, timings: { predicted_n: 4 } }), DONE)}`,
    "Hm",
  ),
  lmstudio: local(chat("lmstudio", { reasoning_content: "Hm" }, {}, last(), DONE), "Hm"),
};

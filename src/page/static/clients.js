// @ts-check
/**
 * How each client connects to this gateway. The agents' texts are those of docs/agents.md, whose commands
 * `npm run agents` runs; a test compares them.
 *
 * @import { Model } from "./try-it.js"
 * @typedef {{ http: string, model: string }} Place the gateway's address without a slash at its end, and a model
 * @typedef {{ name: string, group: "HTTP" | "SDKs" | "Agents", dialect: string, text(place: Place): string }} Client
 */

const MESSAGES = "anthropic-messages";
const CHAT = "openai-chat";
const RESPONSES = "openai-responses";

/** The dialects as their vendors call them. */
export const DIALECT_NAMES = /** @type {Readonly<Record<string, string>>} */ ({
  [MESSAGES]: "Anthropic Messages",
  [CHAT]: "OpenAI Chat Completions",
  [RESPONSES]: "OpenAI Responses",
});

/**
 * @param {string} path
 * @param {(model: string) => object} body
 */
const curl =
  (path, body) =>
  /** @param {Place} place */
  ({ http, model }) =>
    [
      `curl -N ${http}/v1/${path} \\`,
      '  -H "authorization: Bearer $SLUICE_KEY" -H "content-type: application/json" \\',
      `  -d '${JSON.stringify(body(model))}'`,
    ].join("\n");

const QUESTION = [{ role: "user", content: "Say a word." }];

/** @param {string} more */
const codex =
  (more) =>
  /** @param {Place} place */
  ({ http, model }) =>
    `cat >> ~/.codex/config.toml <<'END'
model = "${model}"
model_provider = "sluice"
[model_providers.sluice]
name = "Sluice"
base_url = "${http}/v1"
env_key = "SLUICE_KEY"
wire_api = "responses"
${more}END`;

/** @type {readonly Client[]} */
export const CLIENTS = [
  {
    name: "curl, Messages",
    group: "HTTP",
    dialect: MESSAGES,
    text: curl("messages", (model) => ({ model, max_tokens: 1024, stream: true, messages: QUESTION })),
  },
  {
    name: "curl, Chat Completions",
    group: "HTTP",
    dialect: CHAT,
    text: curl("chat/completions", (model) => ({ model, stream: true, messages: QUESTION })),
  },
  {
    name: "curl, Responses",
    group: "HTTP",
    dialect: RESPONSES,
    text: curl("responses", (model) => ({ model, stream: true, input: "Say a word." })),
  },
  {
    name: "OpenAI SDK",
    group: "SDKs",
    dialect: RESPONSES,
    text: ({ http, model }) => `import OpenAI from "openai";
const client = new OpenAI({ baseURL: "${http}/v1", apiKey: process.env.SLUICE_KEY });
const response = await client.responses.create({ model: "${model}", input: "Say a word." });
console.log(response.output_text);`,
  },
  {
    name: "Anthropic SDK",
    group: "SDKs",
    dialect: MESSAGES,
    text: ({ http, model }) => `import Anthropic from "@anthropic-ai/sdk";
const client = new Anthropic({ baseURL: "${http}", apiKey: process.env.SLUICE_KEY });
const stream = client.messages.stream({
  model: "${model}",
  max_tokens: 1024,
  messages: [{ role: "user", content: "Say a word." }],
});
console.log(await stream.finalText());`,
  },
  {
    name: "AI SDK",
    group: "SDKs",
    dialect: CHAT,
    text: ({ http, model }) => `import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText } from "ai";
const sluice = createOpenAICompatible({
  name: "sluice",
  baseURL: "${http}/v1",
  apiKey: process.env.SLUICE_KEY,
});
console.log((await generateText({ model: sluice("${model}"), prompt: "Say a word." })).text);`,
  },
  {
    name: "LangChain",
    group: "SDKs",
    dialect: CHAT,
    text: ({ http, model }) => `import { ChatOpenAI } from "@langchain/openai";
const model = new ChatOpenAI({
  model: "${model}",
  apiKey: process.env.SLUICE_KEY,
  configuration: { baseURL: "${http}/v1" },
});
console.log((await model.invoke("Say a word.")).text);`,
  },
  {
    name: "OpenAI Agents",
    group: "SDKs",
    dialect: RESPONSES,
    text: ({ http, model }) => `import { Agent, run, setDefaultOpenAIClient, setTracingDisabled } from "@openai/agents";
import OpenAI from "openai";
setTracingDisabled(true);
setDefaultOpenAIClient(new OpenAI({ baseURL: "${http}/v1", apiKey: process.env.SLUICE_KEY }));
console.log(
  (await run(new Agent({ name: "Echo", instructions: "Be brief.", model: "${model}" }), "Say a word.")).finalOutput,
);`,
  },
  {
    name: "Claude Code",
    group: "Agents",
    dialect: MESSAGES,
    text: ({ http, model }) => `export ANTHROPIC_BASE_URL=${http}
export ANTHROPIC_AUTH_TOKEN=$SLUICE_KEY
export ANTHROPIC_MODEL=${model}`,
  },
  { name: "Codex", group: "Agents", dialect: RESPONSES, text: codex("") },
  { name: "Codex over WebSocket", group: "Agents", dialect: RESPONSES, text: codex("supports_websockets = true\n") },
  {
    name: "opencode",
    group: "Agents",
    dialect: CHAT,
    text: ({ http, model }) => `mkdir -p ~/.config/opencode
cat > ~/.config/opencode/opencode.json <<'END'
{ "model": "sluice/${model}",
  "provider": { "sluice": { "npm": "@ai-sdk/openai-compatible", "name": "Sluice",
    "options": { "baseURL": "${http}/v1", "apiKey": "{env:SLUICE_KEY}" },
    "models": { "${model}": {} } } } }
END`,
  },
  {
    name: "pi",
    group: "Agents",
    dialect: CHAT,
    text: ({ http, model }) => `mkdir -p ~/.pi/agent
cat > ~/.pi/agent/models.json <<'END'
{ "providers": { "sluice": { "baseUrl": "${http}/v1", "api": "openai-completions",
    "apiKey": "SLUICE_KEY", "models": [{ "id": "${model}" }] } } }
END`,
  },
  {
    name: "Qwen Code",
    group: "Agents",
    dialect: CHAT,
    text: ({ http, model }) => `export OPENAI_BASE_URL=${http}/v1
export OPENAI_API_KEY=$SLUICE_KEY
export OPENAI_MODEL=${model}`,
  },
  {
    name: "Cline",
    group: "Agents",
    dialect: CHAT,
    text: ({ http, model }) => `cline auth -p openai-compatible -b ${http}/v1 -k "$SLUICE_KEY" -m ${model}`,
  },
  {
    name: "Continue",
    group: "Agents",
    dialect: CHAT,
    text: ({ http, model }) => `mkdir -p ~/.continue
cat > ~/.continue/config.yaml <<'END'
name: Sluice
version: 1.0.0
schema: v1
models:
  - { name: GPT, provider: openai, model: ${model}, apiBase: "${http}/v1", apiKey: "\${{ secrets.SLUICE_KEY }}",
      roles: [chat], capabilities: [tool_use] }
END`,
  },
];

/**
 * What to paste for a client: its text for the first model that speaks its dialect, or why there is none.
 * @param {Client} client
 * @param {string} http
 * @param {readonly Model[]} models
 * @returns {{ text: string } | { missing: string }}
 */
export function snippetOf({ name, dialect, text }, http, models) {
  const model = models.find((one) => one.dialect === dialect);
  if (model) return { text: text({ http, model: model.alias }) };
  return { missing: `${name} speaks ${DIALECT_NAMES[dialect]}, and no model of this gateway does.` };
}

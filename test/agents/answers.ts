import { isObject } from "../../src/core/kernel/json.ts";
import type { Asked } from "./provider.ts";

/** One answer in the form of the request's API: its events, and its body for a request without `stream`. */
export interface Answer {
  readonly streamed: string;
  readonly unary: string;
}

interface Tool {
  readonly name: string;
  readonly input: string;
}

/** The call of the request's command tool, unless the conversation has a tool's result already or no such tool. */
export function callOf(asked: Asked, command: string): Answer | undefined {
  if (resultIn(asked.body) !== undefined) return undefined;
  const tool = commandTool(asked.body, command);
  return tool && answer(asked.path, { tool });
}

/** What the tool printed, or a word of its own when no tool ran. `undefined` for a path it does not have. */
export function textOf(asked: Asked): Answer | undefined {
  return answer(asked.path, { text: `The tool printed: ${resultIn(asked.body) ?? "nothing, no tool ran"}` });
}

/** The first tool that takes a `command` (or `cmd`), with the rest of what its schema requires filled in. */
function commandTool(body: Readonly<Record<string, unknown>>, command: string): Tool | undefined {
  const entries = Array.isArray(body.tools) ? body.tools : [];
  for (const entry of entries.flatMap((each) => each?.functionDeclarations ?? [each])) {
    const tool = isObject(entry?.function) ? entry.function : entry;
    const schema = [tool?.input_schema, tool?.parameters, tool?.parametersJsonSchema].find(isObject);
    const properties = isObject(schema?.properties) ? schema.properties : {};
    const key = ["command", "cmd", "commands"].find((name) => isObject(properties[name]));
    if (key === undefined || typeof tool.name !== "string" || !/bash|shell|command|exec/i.test(tool.name)) continue;
    const input: Record<string, unknown> = { [key]: valueFor(properties[key], command) };
    for (const name of Array.isArray(schema?.required) ? schema.required : []) {
      input[name] ??= filler(properties[name]);
    }
    return { name: tool.name, input: JSON.stringify(input) };
  }
  return undefined;
}

function valueFor(property: unknown, command: string): unknown {
  return isObject(property) && property.type === "array" ? ["sh", "-c", command] : command;
}

function filler(property: unknown): unknown {
  const { type, enum: choices } = isObject(property) ? property : {};
  if (Array.isArray(choices)) return choices[0];
  if (type === "boolean") return false;
  if (type === "number" || type === "integer") return 10_000;
  if (type === "array") return [];
  return "print the word";
}

/** The text of the conversation's last tool result, in whichever API's form. */
function resultIn(body: Readonly<Record<string, unknown>>): string | undefined {
  const items = [body.messages, body.input, body.contents].find(Array.isArray) ?? [];
  for (const item of items.toReversed()) {
    if (!isObject(item)) continue;
    if (item.role === "tool" || item.type === "function_call_output" || item.type === "custom_tool_call_output") {
      return flat(item.content ?? item.output);
    }
    const response = Array.isArray(item.parts) && item.parts.find((part) => part?.functionResponse);
    if (response) return flat(response.functionResponse.response?.output);
    const block = Array.isArray(item.content) && item.content.find((part) => part?.type === "tool_result");
    if (block) return flat(block.content);
  }
  return undefined;
}

function flat(content: unknown): string {
  if (typeof content === "string") return content;
  if (Array.isArray(content)) return content.map((part) => flat(part?.text ?? part)).join("");
  return JSON.stringify(content ?? "");
}

type Content = { readonly tool: Tool } | { readonly text: string };

function answer(path: string, content: Content): Answer | undefined {
  if (path.endsWith("/messages")) return messages(content);
  if (path.endsWith("/chat/completions")) return chat(content);
  if (path.endsWith("/responses")) return responses(content);
  if (/:(stream)?[gG]enerateContent$/.test(path)) return gemini(content);
  return undefined;
}

const named = (event: { readonly type: string }) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

function messages(content: Content): Answer {
  const start = { id: "msg_1", type: "message", role: "assistant", model: "scripted", stop_sequence: null };
  const isTool = "tool" in content;
  const block = isTool
    ? { type: "tool_use", id: "toolu_1", name: content.tool.name, input: {} }
    : { type: "text", text: "" };
  const delta = isTool
    ? { type: "input_json_delta", partial_json: content.tool.input }
    : { type: "text_delta", text: content.text };
  const stop_reason = isTool ? "tool_use" : "end_turn";
  const events = [
    {
      type: "message_start",
      message: { ...start, content: [], stop_reason: null, usage: { input_tokens: 100, output_tokens: 1 } },
    },
    { type: "content_block_start", index: 0, content_block: block },
    { type: "content_block_delta", index: 0, delta },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 20 } },
    { type: "message_stop" },
  ];
  const whole = isTool ? { ...block, input: JSON.parse(content.tool.input) } : { type: "text", text: content.text };
  return {
    streamed: events.map(named).join(""),
    unary: JSON.stringify({ ...start, content: [whole], stop_reason, usage: { input_tokens: 100, output_tokens: 20 } }),
  };
}

function chat(content: Content): Answer {
  const head = { id: "chatcmpl-1", created: 1_790_000_000, model: "scripted" };
  const finish_reason = "tool" in content ? "tool_calls" : "stop";
  const call = "tool" in content && {
    id: "call_1",
    type: "function",
    function: { name: content.tool.name, arguments: content.tool.input },
  };
  const said = call ? { content: null, tool_calls: [call] } : { content: "text" in content ? content.text : "" };
  const delta = call ? { tool_calls: [{ index: 0, ...call }] } : said;
  const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };
  const chunks = [
    { choices: [{ index: 0, delta: { role: "assistant", ...delta }, finish_reason: null }] },
    { choices: [{ index: 0, delta: {}, finish_reason }] },
    { choices: [], usage },
  ];
  const data = chunks.map((chunk) => JSON.stringify({ ...head, object: "chat.completion.chunk", ...chunk }));
  return {
    streamed: [...data, "[DONE]"].map((line) => `data: ${line}\n\n`).join(""),
    unary: JSON.stringify({
      ...head,
      object: "chat.completion",
      choices: [{ index: 0, message: { role: "assistant", ...said }, finish_reason }],
      usage,
    }),
  };
}

function gemini(content: Content): Answer {
  const part =
    "tool" in content
      ? {
          functionCall: { name: content.tool.name, args: JSON.parse(content.tool.input) },
          thoughtSignature: "c2lnbmVk",
        }
      : { text: content.text };
  const chunk = (parts: readonly object[], more: object) => ({
    candidates: [{ content: { parts, role: "model" }, index: 0, ...more }],
    usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 20, totalTokenCount: 120 },
    modelVersion: "scripted",
    responseId: "r1",
  });
  const chunks = [chunk([part], {}), chunk([{ text: "" }], { finishReason: "STOP" })];
  return {
    streamed: chunks.map((each) => `data: ${JSON.stringify(each)}\r\n\r\n`).join(""),
    unary: JSON.stringify(chunk([part], { finishReason: "STOP" })),
  };
}

function responses(content: Content): Answer {
  const item =
    "tool" in content
      ? {
          id: "fc_1",
          type: "function_call",
          status: "completed",
          call_id: "call_1",
          name: content.tool.name,
          arguments: content.tool.input,
        }
      : {
          id: "msg_1",
          type: "message",
          status: "completed",
          role: "assistant",
          content: [{ type: "output_text", text: content.text, annotations: [] }],
        };
  const base = { id: "resp_1", object: "response", created_at: 1_790_000_000, model: "scripted", error: null };
  const usage = {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 20,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 120,
  };
  const done = { ...base, status: "completed", output: [item], usage };
  const place = { item_id: item.id, output_index: 0 };
  const middle =
    "tool" in content
      ? [{ type: "response.function_call_arguments.delta", ...place, delta: content.tool.input }]
      : [
          {
            type: "response.content_part.added",
            ...place,
            content_index: 0,
            part: { type: "output_text", text: "", annotations: [] },
          },
          { type: "response.output_text.delta", ...place, content_index: 0, delta: content.text },
        ];
  const empty = "tool" in content ? { ...item, arguments: "", status: "in_progress" } : { ...item, content: [] };
  const events = [
    { type: "response.created", response: { ...base, status: "in_progress", output: [] } },
    { type: "response.output_item.added", output_index: 0, item: empty },
    ...middle,
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: done },
  ].map((event, sequence_number) => ({ ...event, sequence_number }));
  return { streamed: events.map(named).join(""), unary: JSON.stringify(done) };
}

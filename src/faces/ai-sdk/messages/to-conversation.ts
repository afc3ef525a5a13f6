/** The AI SDK's messages as a provider-neutral conversation: the order and choices of its own `convertToModelMessages`. */
import type { Conversation, Message, ToolDefinition } from "../../../core/dialect/dialect.ts";
import { GatewayError, toGatewayError } from "../../../core/kernel/errors.ts";
import { fileText, readFile } from "../../chat/attached-files.ts";
import type { UIMessage, UIPart } from "./ui-message.ts";

type Content = Message["content"][number];

/** A request's conversation besides its messages. */
export interface ConversationOptions {
  readonly system?: string | undefined;
  readonly thinking?: string | undefined;
  readonly tools?: readonly ToolDefinition[] | undefined;
}

/**
 * Sources and files of the model's own are left out: providers take neither back. Throws what `readFile` throws for a file of
 * the newest question, and `bad_request` if its URL is no `data:` URL. An earlier file that was refused is left out, because
 * it stays in the chat that sends its messages again.
 */
export function toConversation(messages: readonly UIMessage[], options: ConversationOptions): Conversation {
  const systems = [options.system, ...messages.filter(({ role }) => role === "system").map(textOf)];
  const system = systems.filter((text) => text !== undefined && text !== "").join("\n\n");
  const newest = messages.findLast(({ role }) => role === "user");
  return {
    ...(system !== "" && { system }),
    ...(options.thinking !== undefined && { thinking: options.thinking }),
    ...(options.tools && options.tools.length > 0 && { tools: options.tools }),
    messages: alternating(
      messages.flatMap((message) => {
        if (message.role === "system") return [];
        return message.role === "user" ? userMessage(message, message === newest) : assistantMessages(message);
      }),
    ),
  };
}

/** Providers want roles to alternate, and a failed answer leaves two questions in a row. */
function alternating(messages: readonly Message[]): readonly Message[] {
  const turns: { role: Message["role"]; content: Content[] }[] = [];
  for (const { role, content } of messages) {
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else turns.push({ role, content: [...content] });
  }
  return turns;
}

const textOf = ({ parts }: UIMessage): string =>
  parts.map((part) => (part.type === "text" ? (part.text ?? "") : "")).join("");

function userMessage({ parts }: UIMessage, isNewest: boolean): readonly Message[] {
  const content = parts.flatMap((part): readonly Content[] => {
    if (part.type === "text") return [{ type: "text", text: part.text ?? "" }];
    if (part.type !== "file") return [];
    return isNewest ? [fileContent(part)] : sentBefore(part);
  });
  return content.length > 0 ? [{ role: "user", content }] : [];
}

/** One message a step, and after each the results of its calls. */
function assistantMessages({ parts }: UIMessage): readonly Message[] {
  const steps: UIPart[][] = [[]];
  for (const part of parts) {
    if (part.type === "step-start") steps.push([]);
    else steps.at(-1)?.push(part);
  }
  return steps.flatMap((step): readonly Message[] => {
    const content = step.flatMap(assistantContent);
    const results = step.flatMap(resultOf);
    return [
      ...(content.length > 0 ? [{ role: "assistant", content } as const] : []),
      ...(results.length > 0 ? [{ role: "user", content: results } as const] : []),
    ];
  });
}

function assistantContent(part: UIPart): readonly Content[] {
  if (part.type === "text") return [{ type: "text", text: part.text ?? "" }];
  if (part.type === "reasoning") {
    const signature = part.providerMetadata?.anthropic?.signature;
    return [{ type: "thinking", text: part.text ?? "", ...(typeof signature === "string" && { signature }) }];
  }
  const name = toolNameOf(part);
  // Without a result the call cannot go back: providers want one for each.
  if (name === undefined || resultOf(part).length === 0) return [];
  const given = part.input ?? part.rawInput ?? {};
  const json = typeof given === "string" ? given : JSON.stringify(given);
  const signature = part.callProviderMetadata?.google?.thoughtSignature;
  const signed = typeof signature === "string" && { signature };
  return [{ type: "toolCall", id: part.toolCallId ?? "", name, arguments: json, ...signed }];
}

/** The name of the tool that a part calls; undefined for other parts. A provider's own tools have run there. */
function toolNameOf(part: UIPart): string | undefined {
  if (part.providerExecuted === true || part.toolCallId === undefined) return undefined;
  if (part.type === "dynamic-tool") return part.toolName;
  return part.type.startsWith("tool-") ? part.type.slice("tool-".length) : undefined;
}

function resultOf(part: UIPart): readonly Content[] {
  if (toolNameOf(part) === undefined) return [];
  const id = part.toolCallId ?? "";
  switch (part.state) {
    case "output-available":
      return [{ type: "toolResult", id, text: asText(part.output) }];
    case "output-error":
      return [{ type: "toolResult", id, text: part.errorText ?? "the tool failed", isError: true }];
    case "output-denied":
      return [{ type: "toolResult", id, text: "The user did not allow this call.", isError: true }];
    default:
      return [];
  }
}

const asText = (output: unknown): string => (typeof output === "string" ? output : (JSON.stringify(output) ?? ""));

function fileContent({ url = "", mediaType, filename }: UIPart): Content {
  if (!/^data:/i.test(url)) {
    throw new GatewayError("bad_request", `${filename ?? "the attached file"} has to be sent as a data: URL`);
  }
  const file = readFile({ content: url, mimeType: mediaType, fileName: filename });
  return file.type === "textFile" ? { type: "text", text: fileText(file) } : file;
}

function sentBefore(part: UIPart): readonly Content[] {
  try {
    return [fileContent(part)];
  } catch (thrown) {
    if (toGatewayError(thrown).code === "internal") throw thrown;
    return [];
  }
}

/** Turns stored messages into the form that clients read. */
import type { Usage } from "../../../../protocol/stream.ts";
import { type FinishKind, finishKindOf } from "../../../core/dialect/finish-kind.ts";
import { parseJson } from "../../../core/kernel/json.ts";
import type { TranscriptMessage, TranscriptPart } from "../../../core/ports/transcripts.ts";
import { byKind, fromNano, Tariff } from "../../../core/usage/cost.ts";
import type { Price } from "../../../core/usage/price.ts";
import { wireMedia } from "../files/message-files.ts";
import { notesOf } from "./notes.ts";

/** OpenClaw's stop reasons; it has none for a content filter. */
const STOP_REASONS: Readonly<Partial<Record<FinishKind, string>>> = {
  stop: "stop",
  length: "length",
  tools: "toolUse",
};

/** OpenClaw's stop reason for a provider's finish reason; one it does not know stays as it is. */
export function stopReasonOf(finish: string | undefined): string {
  if (finish === undefined) return "stop";
  const kind = finishKindOf(finish);
  return (kind && STOP_REASONS[kind]) ?? finish;
}

/** Token counts of an answer. `input` excludes cached tokens. Undefined when nothing is known. */
export function wireUsage(usage: Usage | undefined, price?: Price) {
  if (!usage || usage.source === "unknown") return undefined;
  const { input, output, cacheRead, cacheWrite } = byKind(usage);
  return {
    input,
    output,
    cacheRead,
    cacheWrite,
    totalTokens: input + output + cacheRead + cacheWrite,
    ...(usage.source === "estimated" && { estimated: true }),
    ...(price && { cost: wireCost(usage, price) }),
  };
}

/** In the price's currency. Each figure is rounded for itself, so the total is the one the ledger has. */
function wireCost(usage: Usage, price: Price) {
  const tariff = new Tariff(price);
  const tokens = byKind(usage);
  const { input, output, cacheRead, cacheWrite } = tariff.costByKind(tokens);
  return {
    input: fromNano(input),
    output: fromNano(output),
    cacheRead: fromNano(cacheRead),
    cacheWrite: fromNano(cacheWrite),
    total: fromNano(tariff.cost(tokens.input, tokens.output, tokens.cacheRead, tokens.cacheWrite)),
  };
}

function wirePart(part: TranscriptPart): object {
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text };
    case "thinking":
      return {
        type: "thinking",
        thinking: part.text,
        ...(part.signature !== undefined && { thinkingSignature: part.signature }),
      };
    case "toolCall":
      return { type: "toolCall", id: part.id, name: part.name, arguments: parseJson(part.arguments) ?? {} };
    case "image":
    case "document":
    case "textFile":
      return { type: "text", text: "" };
  }
}

/** The text of a message, for previews and titles. */
export const plainText = (message: TranscriptMessage): string =>
  message.content.map((part) => (part.type === "text" ? part.text : "")).join("");

/** The beginning of a text on one line, at most `length` characters. Looks at no more of a long text than it needs. */
export const oneLine = (text: string, length: number): string =>
  text
    .slice(0, length * 8)
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, length);

/**
 * A message of a history. A user's carries its idempotency key, by which clients find the bubble that they drew when they
 * sent it.
 */
export function wireMessage(message: TranscriptMessage) {
  const { id, seq, role, timestamp, runId } = message;
  if (role === "user") {
    const key = runId === undefined ? {} : { idempotencyKey: `${runId}:user` };
    const media = wireMedia(message);
    return { role, content: plainText(message), timestamp, ...key, __openclaw: { id, seq, ...key, ...media } };
  }
  const usage = wireUsage(message.usage);
  return {
    role,
    content: [...message.content.map(wirePart), ...notesOf(message)],
    timestamp,
    ...(message.stopReason !== undefined && { stopReason: message.stopReason }),
    ...(message.route !== undefined && { provider: message.route }),
    ...(message.model !== undefined && { model: message.model }),
    ...(usage && { usage }),
    ...(runId !== undefined && { idempotencyKey: `${runId}:assistant` }),
    ...wireFailure(message),
    __openclaw: { id, seq, ...(runId !== undefined && { runId }) },
  };
}

/** A transcript message as the protocol sends it. */
export type WireMessage = ReturnType<typeof wireMessage>;

function wireFailure({ failure, runId }: TranscriptMessage) {
  if (!failure) return {};
  if (failure.code === "cancelled") return { openclawAbort: { aborted: true, origin: "rpc", runId } };
  return { errorMessage: failure.message };
}

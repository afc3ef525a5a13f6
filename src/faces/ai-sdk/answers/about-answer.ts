import { asArray, asObject, asString, type JsonObject } from "../../../core/kernel/json.ts";
import type { AnswerFacts, Chunk } from "../messages/answer-chunks.ts";
import type { Answer } from "./answer.ts";

/** What another node needs to show an answer as this one does. */
export function aboutAnswer({ facts, earlier, hasEarlier }: Answer): JsonObject {
  const { messageId, model, route, tools } = facts;
  return {
    messageId,
    model,
    route,
    tools: [...tools],
    ...(hasEarlier && { earlier: earlier as readonly JsonObject[] }),
  };
}

/** An answer's facts, and what its message held before it, as another node has told; undefined if that was too large to keep. */
export function answerAbout(
  stream: string,
  about: JsonObject,
): { readonly facts: AnswerFacts; readonly earlier: readonly Chunk[] } | undefined {
  if (about.earlier === undefined) return undefined;
  const earlier = asArray(about.earlier).flatMap((one) => {
    const chunk = asObject(one);
    const type = asString(chunk?.type);
    return type === undefined ? [] : [{ ...chunk, type }];
  });
  const tools = new Set(asArray(about.tools).flatMap((name) => asString(name) ?? []));
  const [messageId = "", model = "", route = ""] = [about.messageId, about.model, about.route].map(asString);
  return { facts: { messageId, stream, model, route, tools }, earlier };
}

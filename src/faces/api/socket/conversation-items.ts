/** The items of a conversation, as a following request must bring them. */
import { asArray, asObject, asString, isObject, type JsonValue } from "../../../core/kernel/json.ts";
import { SocketRefusal } from "./socket-refusal.ts";

/** A request's input as items; a text is one message. */
export function inputItems(input: JsonValue | undefined): readonly JsonValue[] {
  return typeof input === "string" ? [{ type: "message", role: "user", content: input }] : asArray(input);
}

/**
 * A response's output as input. Reasoning can go back only with its encrypted content; other items lose their ids, which a
 * provider that stored nothing does not know.
 */
export function outputAsInput(output: readonly JsonValue[]): readonly JsonValue[] {
  return output.flatMap((item) => {
    if (!isObject(item)) return [];
    if (item.type === "reasoning") return typeof item.encrypted_content === "string" ? [item] : [];
    const { id: _, ...rest } = item;
    return [rest];
  });
}

/** The types of results that clients send, all of which name their call in `call_id`. */
const RESULT = /_call_output$/;
/** The types of calls. */
const CALL = /_call$/;

/** Throws SocketRefusal if the input has the result of a call that neither it nor the conversation before it has. */
export function checkResults(before: readonly JsonValue[], input: readonly JsonValue[]): void {
  const calls = new Set(
    [...before, ...input].flatMap((item) => (CALL.test(typeOf(item)) ? [asString(asObject(item)?.call_id)] : [])),
  );
  for (const item of input) {
    const id = RESULT.test(typeOf(item)) ? asString(asObject(item)?.call_id) : undefined;
    if (id !== undefined && !calls.has(id)) {
      throw new SocketRefusal("invalid_request", `No tool call found for call_id '${id.slice(0, 64)}'.`, "input");
    }
  }
}

const typeOf = (item: JsonValue): string => asString(asObject(item)?.type) ?? "";

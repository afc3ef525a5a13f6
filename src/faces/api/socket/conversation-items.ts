/** The items of a conversation, as a following request must bring them. */
import { asArray, asObject, asString, isObject, type JsonValue } from "../../../core/kernel/json.ts";
import { SocketRefusal } from "./socket-refusal.ts";

/** A request's input as items; a text is one message. */
export function inputItems(input: JsonValue | undefined): readonly JsonValue[] {
  return typeof input === "string" ? [{ type: "message", role: "user", content: input }] : asArray(input);
}

/** Items that the API takes without their id. Others need theirs: an approval, for instance, names its request by it. */
const WITHOUT_ID = new Set(["message", "function_call", "custom_tool_call", "shell_call", "apply_patch_call"]);

/**
 * A response's output as input. Reasoning can go back only with its encrypted content; messages and calls lose their ids,
 * which tie them to reasoning that a provider without storage does not know.
 */
export function outputAsInput(output: readonly JsonValue[]): readonly JsonValue[] {
  return output.flatMap((item) => {
    if (!isObject(item)) return [];
    if (item.type === "reasoning") return typeof item.encrypted_content === "string" ? [item] : [];
    if (!WITHOUT_ID.has(typeOf(item))) return [item];
    const { id: _, ...rest } = item;
    return [rest];
  });
}

/** The types of results that clients send, all of which name their call in `call_id`. */
const RESULT = /_call_output$/;
/** The types of calls. */
const CALL = /_call$/;
/** Items that stand for others which only the provider can read. */
const OPAQUE = new Set(["compaction", "item_reference"]);

/**
 * Throws SocketRefusal if the input has the result of a call that neither it nor the conversation before it has. The provider
 * decides where a call may be in an item that cannot be read here.
 */
export function checkResults(before: readonly JsonValue[], input: readonly JsonValue[]): void {
  if ([...before, ...input].some((item) => OPAQUE.has(typeOf(item)))) return;
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

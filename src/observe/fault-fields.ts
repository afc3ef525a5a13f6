import { GatewayError } from "../core/kernel/errors.ts";
import { type LogFields, lineText } from "./log-fields.ts";

/** Stack frames in a line: enough to find the place. */
const MAX_FRAMES = 12;
/** V8's line for one call: a position in a file, in Node itself, or in native code. */
const FRAME = /^ {4}at (?:.* \()?(?:(?:file|node):\S+:\d+:\d+|\/\S*:\d+:\d+|native|<anonymous>)\)?$/;
/** Codes of Node and its libraries, such as ECONNRESET or ERR_INVALID_STATE. */
const SYSTEM_CODE = /^[A-Z][A-Z0-9_]{1,63}$/;

/**
 * The log fields of a fault of the gateway. Omits the messages of unknown errors, because `JSON.parse` and others quote
 * their input, which may be a prompt. Name, code and source positions still identify the bug.
 */
export function faultFields(thrown: unknown, where: string): LogFields {
  const gateway = thrown instanceof GatewayError ? thrown : undefined;
  return {
    event: "fault",
    where: lineText(where),
    code: gateway?.code ?? "internal",
    message: lineText(gateway?.message),
    // A GatewayError's message is ours; its cause is an unknown error again.
    ...readFault(gateway?.cause ?? thrown),
  };
}

/** The safe parts of an unknown error: its class, its code and its stack frames. */
export function readFault(unknown: unknown) {
  return {
    name: unknown instanceof Error ? lineText(unknown.name) : typeof unknown,
    systemCode: systemCode(unknown),
    frames: unknown instanceof Error ? framesOf(unknown) : [],
  };
}

function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && SYSTEM_CODE.test(code) ? code : undefined;
}

/** The stack's frames, without the message before them, whose own lines may look like frames. */
function framesOf(error: Error): string[] {
  const stack = typeof error.stack === "string" ? error.stack : "";
  const message = stack.indexOf(error.message);
  if (message < 0) return [];
  return stack
    .slice(message + error.message.length)
    .split("\n")
    .filter((line) => FRAME.test(line))
    .slice(0, MAX_FRAMES)
    .map((line) => line.trim().slice(3, 300));
}

import { GatewayError } from "../core/kernel/errors.ts";
import { type LogFields, lineText } from "./log-fields.ts";

/** Enough to find the place. */
const MAX_FRAMES = 12;
/** A line V8 writes for one call: a place in a file, in Node itself, or in native code. */
const FRAME = /^ {4}at (?:.* \()?(?:(?:file|node):\S+:\d+:\d+|\/\S*:\d+:\d+|native|<anonymous>)\)?$/;
/** Codes that Node and its libraries give, such as ECONNRESET or ERR_INVALID_STATE. */
const SYSTEM_CODE = /^[A-Z][A-Z0-9_]{1,63}$/;

/**
 * A fault of our own as fields. Messages of unknown errors stay out: `JSON.parse` and friends quote their input there,
 * and that may be a prompt. What is left, name, code and places in the source, names the bug all the same.
 */
export function faultFields(thrown: unknown, where: string): LogFields {
  const gateway = thrown instanceof GatewayError ? thrown : undefined;
  return {
    event: "fault",
    where: lineText(where),
    code: gateway?.code ?? "internal",
    message: lineText(gateway?.message),
    // A GatewayError's own words are ours; what caused it is unknown again.
    ...readFault(gateway?.cause ?? thrown),
  };
}

/** What can be told of an unknown error: its class, its code, and where it came from. */
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

/** The stack without its head. The message stands there, may have lines of its own, and those may look like frames. */
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

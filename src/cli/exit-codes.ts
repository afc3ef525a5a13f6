import { isNativeError } from "node:util/types";
import { GatewayError } from "../core/kernel/errors.ts";

/** The command did what it was asked. */
export const OK = 0;
/** It could not. */
export const FAILED = 1;
/** Its arguments are not understood. */
export const BAD_USAGE = 2;

/** Says why a command failed, in one line, and returns its exit code. */
export function exitFor(error: unknown, stderr: { write(text: string): unknown }): number {
  stderr.write(`sluice: ${reasonOf(error)}\n`);
  return isBadUsage(error) ? BAD_USAGE : FAILED;
}

/** Whether the arguments are at fault: `parseArgs` does not know them, or the command refuses them as `bad_request`. */
export function isBadUsage(error: unknown): boolean {
  if (error instanceof GatewayError) return error.code === "bad_request";
  return isNativeError(error) && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}

/** An error's message. That of `parseArgs` continues with advice on arguments that begin with a dash, which is left out. */
export const reasonOf = (error: unknown): string =>
  isNativeError(error) ? error.message.replace(/\. To specify.*/s, "") : String(error);

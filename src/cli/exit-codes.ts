import { isNativeError } from "node:util/types";

/** The command did what it was asked. */
export const OK = 0;
/** It could not. */
export const FAILED = 1;
/** Its arguments are not understood. */
export const BAD_USAGE = 2;

/** Says why a command failed, in one line, and returns its exit code. */
export function exitFor(error: unknown, stderr: { write(text: string): unknown }): number {
  stderr.write(`sluice: ${isNativeError(error) ? error.message : String(error)}\n`);
  const isUsage = isNativeError(error) && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
  return isUsage ? BAD_USAGE : FAILED;
}

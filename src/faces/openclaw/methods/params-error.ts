import type * as z from "zod";
import { GatewayError } from "../../../core/kernel/errors.ts";

/** One issue in the real gateway's words, which some clients show. */
function describe(issue: z.core.$ZodIssue): string {
  const at = issue.path.length === 0 ? "at root" : `at /${issue.path.join("/")}`;
  if (issue.code === "unrecognized_keys") return `${at}: unexpected property '${issue.keys[0] ?? ""}'`;
  const name = issue.path.at(-1);
  const missing = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
  if (missing && typeof name === "string") return `must have required property '${name}'`;
  return `${at}: ${issue.message}`;
}

/**
 * `what` names what is invalid, such as `chat.send params`. Values are never quoted: they may be prompts or tokens. A wish
 * that this gateway does not meet is `unsupported`, and only its field and the reason are said.
 */
export function invalid(what: string, error: z.core.$ZodError): GatewayError {
  const issue = error.issues[0];
  if (issue?.code === "custom" && issue.params?.refused === true) {
    return new GatewayError("unsupported", `${String(issue.path.at(-1))}: ${issue.message}`);
  }
  return new GatewayError("bad_request", `invalid ${what}: ${issue ? describe(issue) : "not understood"}`);
}

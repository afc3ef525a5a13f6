import { CODES, type Code } from "../../../protocol/codes.ts";
import type { Usage } from "../../../protocol/stream.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { asObject, parseJson } from "../../core/kernel/json.ts";
import type { Terminal } from "../../core/stream/terminal.ts";
import { endBody } from "../../core/stream/wire.ts";

/** A terminal as text. */
export const endToText = (terminal: Terminal): string => JSON.stringify(endBody(terminal));

/** The terminal that was written as `text`, by a gateway of this version or another. */
export function endOfText(text: string, lastSeq: number): Terminal {
  const { error, lossy = false, ...rest } = JSON.parse(text) as ReturnType<typeof endBody>;
  const { type: _, ...fields } = rest;
  return { ...fields, lossy, lastSeq, ...(error && { error: errorOf(error) }) };
}

/** An error that another node has put into words. */
export function errorOf(body: {
  readonly code: string;
  readonly message?: string | undefined;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
  readonly details?: GatewayError["details"];
}): GatewayError {
  const { message, retryable, retryAfterMs, details } = body;
  return new GatewayError(isCode(body.code) ? body.code : "internal", message, {
    ...(retryable !== undefined && { retryable }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(details && { details }),
  });
}

/** How a stream ends whose node is gone. `usage`: the text of what it had used, if the node has told. */
export function ownerLost(lastSeq: number, usage: string | undefined, totalMs: number): Terminal {
  return {
    status: "failed",
    lastSeq,
    error: new GatewayError("owner_lost"),
    usage: (usage === undefined ? undefined : (asObject(parseJson(usage)) as Usage | undefined)) ?? {
      source: "unknown",
    },
    timing: { totalMs },
    lossy: false,
  };
}

/** Whether it is a code that this version knows. */
export const isCode = (code: unknown): code is Code => typeof code === "string" && Object.hasOwn(CODES, code);

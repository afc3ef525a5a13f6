import { CODES, type Code } from "../../../protocol/codes.ts";
import { EndFrame } from "../../../protocol/stream.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { asObject, parseJson } from "../../core/kernel/json.ts";
import type { Spending, Terminal } from "../../core/stream/terminal.ts";
import { endBody } from "../../core/stream/wire.ts";

/** A terminal as text. */
export const endToText = (terminal: Terminal): string => JSON.stringify(endBody(terminal));

/** What a stream has used so far, as text. */
export const spendingToText = ({ usage, target }: Spending): string =>
  JSON.stringify({ usage, ...(target && { target }) });

const STORED_SPENDING = EndFrame.pick({ usage: true, target: true });
const STORED_ENDING = EndFrame.pick({ status: true, usage: true, target: true, timing: true });

/** What was written as `text`, by a gateway of this version or another; undefined if it cannot be read. */
export const spendingOfText = (text: string | undefined): Spending | undefined =>
  STORED_SPENDING.safeParse(parseJson(text ?? "")).data as Spending | undefined;

/** The part of a terminal that matters for money. */
export type Ending = Pick<Terminal, "status" | "usage" | "target" | "timing"> & { readonly code: Code | undefined };

/** That part of a terminal that was written as `text`. */
export function endingOfText(text: string): Ending | undefined {
  const value = parseJson(text);
  const ending = STORED_ENDING.safeParse(value).data as Omit<Ending, "code"> | undefined;
  const code = asObject(asObject(value)?.error)?.code;
  return ending && { ...ending, code: isCode(code) ? code : undefined };
}

/** The terminal that was written as `text`, by a gateway of this version or another. */
export function endOfText(text: string, lastSeq: number): Terminal {
  const { error, lossy = false, ...rest } = JSON.parse(text) as ReturnType<typeof endBody>;
  const { type: _, ...fields } = rest;
  return { ...fields, lossy, lastSeq, ...(error && { error: errorOf(error) }) };
}

/** An error as another node has written it. */
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

/** How a stream ends whose node is gone. `spending`: the text of what it had used, if the node wrote that. */
export function ownerLost(lastSeq: number, spending: string | undefined, totalMs: number): Terminal {
  return {
    status: "failed",
    lastSeq,
    error: new GatewayError("owner_lost"),
    ...(spendingOfText(spending) ?? { usage: { source: "unknown" } }),
    timing: { totalMs },
    lossy: false,
  };
}

/** Whether it is a code that this version knows. */
export const isCode = (code: unknown): code is Code => typeof code === "string" && Object.hasOwn(CODES, code);

import type { UsageRequest } from "../dialect/dialect.ts";
import type { JsonObject } from "../kernel/json.ts";
import type { Amendment } from "../ports/upstream.ts";
import { AnswerState } from "./answer-state.ts";
import { askedBody, type OpenRequest, providerBody, upstreamModelOf } from "./open-request.ts";
import { promptCharacters } from "./prompt-size.ts";
import type { UsageRefusals } from "./usage-refusals.ts";

/** A request prepared for one target's provider. */
export interface Prepared {
  readonly body: JsonObject;
  /** Reads what the provider answers to it. */
  readonly answer: AnswerState;
  readonly inputCharacters: number;
  /** The provider's own name of the model that is asked, if it is known. */
  readonly upstreamModel: string | undefined;
  /** What to send if the provider refuses what the gateway has added. */
  readonly amendment: Amendment | undefined;
}

/** Prepares a request for its target. Throws what the dialect throws. */
export function prepare(request: OpenRequest, refusals: UsageRefusals): Prepared {
  const asked = askedBody(request);
  const usage = usageOf(request, asked, refusals);
  const body = providerBody(request, asked, usage !== undefined);
  const inputCharacters = request.isUncounted ? 0 : promptCharacters(body, request.target.route.dialect);
  return {
    body,
    answer: new AnswerState(request.target.route.dialect, asked, inputCharacters, usage !== undefined),
    inputCharacters,
    upstreamModel: upstreamModelOf(request),
    amendment: usage && refusals.amendment(usage, request.target, asked),
  };
}

/** Undefined if the caller requests the usage itself, or the upstream must not be asked. */
function usageOf({ target, unary }: OpenRequest, asked: JsonObject, refusals: UsageRefusals): UsageRequest | undefined {
  const { includeUsage = true, dialect } = target.route;
  if (unary || !includeUsage || !dialect.usageRequest?.isAdded(asked)) return undefined;
  return refusals.mayAsk(target, asked) ? dialect.usageRequest : undefined;
}

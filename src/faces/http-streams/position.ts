import { GatewayError } from "../../core/kernel/errors.ts";

/** Where a client wants to read on: behind `after`. Without an epoch, in the one that is. */
export interface Position {
  readonly epoch: number | undefined;
  readonly after: number;
}

/** Ends the id of an event after which there is nothing to come back for. */
const OVER = "-over";

/** The id of an event: what comes back as `Last-Event-ID`. */
export const eventId = (epoch: number, seq: number): string => `${epoch}-${seq}`;

/** The id of the last event of an answer. A client that comes back with it is told to stay away. */
export const lastId = (epoch: number, seq: number): string => `${eventId(epoch, seq)}${OVER}`;

/** Whether a client that shows this id has had the last event. */
export const isOver = (id: string | undefined): boolean => id?.endsWith(OVER) === true;

/** `<epoch>-<seq>`, or a bare sequence; nothing is the beginning. Throws `bad_request`. */
export function readPosition(text: string | undefined): Position {
  if (text === undefined) return { epoch: undefined, after: 0 };
  const [, epoch, after] = /^(?:(\d{1,15})-)?(\d{1,15})$/.exec(text) ?? [];
  if (after === undefined) throw new GatewayError("bad_request", "a position is <epoch>-<seq>, or a seq");
  return { epoch: epoch === undefined ? undefined : Number(epoch), after: Number(after) };
}

/** Longest wait of one round: proxies cut what is silent for a minute or two. */
const MAX_WAIT_MS = 60_000;

/** `25s`, `500ms` or milliseconds. Throws `bad_request`. */
export function readWait(text: string): number {
  const [, figure, unit] = /^(\d{1,6})(ms|s)?$/.exec(text) ?? [];
  const waitMs = Number(figure) * (unit === "s" ? 1_000 : 1);
  if (!(waitMs <= MAX_WAIT_MS)) {
    throw new GatewayError("bad_request", `wait is a time such as 25s, at most ${MAX_WAIT_MS / 1_000}s`);
  }
  return waitMs;
}

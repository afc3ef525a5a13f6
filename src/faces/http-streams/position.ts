import { GatewayError } from "../../core/kernel/errors.ts";

/** Where a client resumes: after the sequence number `after`, in the current epoch if it names none. */
export interface Position {
  readonly epoch: number | undefined;
  readonly after: number;
}

/** The suffix of the final event's id. */
const OVER = "-over";

/** An event's id, which a reconnecting client sends as `Last-Event-ID`. */
export const eventId = (epoch: number, seq: number): string => `${epoch}-${seq}`;

/** The final event's id. A client that reconnects with it receives 204. */
export const lastId = (epoch: number, seq: number): string => `${eventId(epoch, seq)}${OVER}`;

/** Whether the id is a final event's. */
export const isOver = (id: string | undefined): boolean => id?.endsWith(OVER) === true;

/** Parses `<epoch>-<seq>` or a sequence number; undefined is the beginning. Throws `bad_request`. */
export function readPosition(text: string | undefined): Position {
  if (text === undefined) return { epoch: undefined, after: 0 };
  const [, epoch, after] = /^(?:(\d{1,15})-)?(\d{1,15})$/.exec(text) ?? [];
  if (after === undefined) throw new GatewayError("bad_request", "a position is <epoch>-<seq>, or a seq");
  return { epoch: epoch === undefined ? undefined : Number(epoch), after: Number(after) };
}

/** The longest wait of one round: proxies close connections that are silent for a minute or two. */
const MAX_WAIT_MS = 60_000;

/** Parses `25s`, `500ms` or a number of milliseconds. Throws `bad_request`. */
export function readWait(text: string): number {
  const [, figure, unit] = /^(\d{1,6})(ms|s)?$/.exec(text) ?? [];
  const waitMs = Number(figure) * (unit === "s" ? 1_000 : 1);
  if (!(waitMs <= MAX_WAIT_MS)) {
    throw new GatewayError("bad_request", `wait is a time such as 25s, at most ${MAX_WAIT_MS / 1_000}s`);
  }
  return waitMs;
}

import { isNativeError } from "node:util/types";

/** PostgreSQL's code of an error (SQLSTATE); undefined when the connection failed. */
export function stateOf(error: unknown): string | undefined {
  const isFromServer = isNativeError(error) && "severity" in error && "code" in error;
  return isFromServer && typeof error.code === "string" ? error.code : undefined;
}

/**
 * Classes of errors that pass: the connection, a password or a user that is just changed, a conflict, resources, a shutdown or
 * failover, a transaction that took too long, the system.
 */
const PASSING = /^(08|28|40|53|57|58|25006|25P0[34]|55P03)/;

/** Whether the same statement may succeed later, because the server is away, starts, stops, is full, or timed out. */
export function isOutage(error: unknown): boolean {
  const state = stateOf(error);
  return state === undefined ? isNativeError(error) && !(error instanceof TypeError) : PASSING.test(state);
}

/** Errors about one statement, which a server that works gives: a conflict, a lock that is taken, a statement that took too long. */
const OF_A_STATEMENT = /^(40|55P03|57014)/;

/** Codes of the system, such as ECONNREFUSED; not Node's own, such as ERR_INVALID_ARG_TYPE. */
const OF_THE_SYSTEM = /^E(?!RR_)[A-Z0-9]+$/;

/** Whether an error shows that the server is away, whatever it was asked. */
export function showsAway(error: unknown): boolean {
  const state = stateOf(error);
  if (state !== undefined) return PASSING.test(state) && !OF_A_STATEMENT.test(state);
  if (!isNativeError(error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  return (code !== undefined && OF_THE_SYSTEM.test(code)) || WORDS.some(([known]) => known.test(error.message));
}

/** Whether the values of a row are at fault (data exceptions and broken constraints), so that repeating is no use. */
export const isRowFault = (error: unknown): boolean => /^2[23]/.test(stateOf(error) ?? "");

/** The driver's messages, and what they mean to people. */
const WORDS: readonly (readonly [message: RegExp, meaning: string])[] = [
  [/connection timeout|trying to connect|^timeout expired/, "it did not answer in time"],
  [/^Query read timeout/, "it did not answer a statement in time"],
  [/^Connection terminated/, "it closed the connection"],
  [/does not support SSL/, "it does not offer TLS, which sslmode asks for"],
  [
    /self-signed certificate|unable to (get|verify)/,
    "its certificate is not trusted: sslrootcert names its authority's file",
  ],
];

/** What went wrong, for a log. PostgreSQL's own message could quote a row: only its code is told where that is so. */
export function reasonOf(error: unknown): string {
  if (!isNativeError(error)) return "an unknown failure";
  const state = stateOf(error);
  if (state !== undefined) return isRowFault(error) ? `PostgreSQL's error ${state}` : `${error.message} (${state})`;
  // Of several addresses of one host each has failed.
  const [first] = error instanceof AggregateError ? error.errors : [];
  const message = error.message || (isNativeError(first) ? first.message : error.name);
  return WORDS.find(([known]) => known.test(message))?.[1] ?? message;
}

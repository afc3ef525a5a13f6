import { isNativeError } from "node:util/types";
import { ErrorReply } from "@redis/client";
import { asArray } from "../../core/kernel/json.ts";

/** A command of a script that its user may not run, in the words of Redis 7.0, and in those of newer ones. */
const REFUSED_IN_SCRIPT = /The user executing the script can't |ACL failure in script/;

const NO_PERMISSION = "its user may not do all that a cluster needs (docs/cluster.md)";

/** How Redis' own errors begin, and what each means for a cluster. */
const MEANINGS: ReadonlyArray<readonly [RegExp, string]> = [
  [/^NOAUTH/, "it needs a password, or a user and a password"],
  [/^(WRONGPASS|ERR invalid password)/, "it refuses the user or the password"],
  [/^ERR AUTH /, "it expects no password, or no user"],
  [/^ERR Client sent AUTH/, "it expects no password"],
  [/^NOPERM/, NO_PERMISSION],
  [REFUSED_IN_SCRIPT, NO_PERMISSION],
  [/^OOM/, "it is full (maxmemory)"],
  [/^LOADING/, "it is loading its data"],
  [/^READONLY/, "it is a replica, which takes no writes"],
  [/^MASTERDOWN/, "it is a replica without its primary"],
  [/^MISCONF/, "it cannot save its data and takes no writes"],
  [/^NOREPLICAS/, "too few replicas follow it"],
  [/^(BUSY|UNKILLABLE)/, "a script keeps it busy"],
  [/^(MOVED|ASK|CROSSSLOT|CLUSTERDOWN|TRYAGAIN)\b/, "it is part of a Redis Cluster: one server is needed"],
  [/^DENIED/, "it is in protected mode: it has no password and takes connections of its own machine only"],
  [/^ERR max number of clients/, "it has too many connections (maxclients)"],
  [/^ERR (DB index|invalid DB)/i, "it has no database of that number"],
  [/^ERR unknown command/i, "it is too old: Redis 6.2 or newer is needed"],
];

/** A connection that was ended from there. */
export const CLOSED = "it closed the connection";

/** How OpenSSL names a certificate without an authority that is known here. */
const UNTRUSTED = /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/;

/**
 * Whether an error means that Redis cannot do its work now, whatever the command: it is full, loading, a replica, without its
 * disk, or refuses this user. It counts as away then.
 */
export const isUnable = ({ message }: ErrorReply): boolean =>
  REFUSED_IN_SCRIPT.test(message) || (!message.startsWith("ERR ") && meaningOf(message) !== undefined);

/** Why a connection or a command failed, in words without a secret: Redis quotes arguments in some of its errors. */
export function reasonOf(error: unknown): string {
  if (error instanceof ErrorReply) return meaningOf(error.message) ?? "it answers with an error that is not known here";
  // One for each address of a name: the last is as good as any.
  const last: unknown = isNativeError(error) && "errors" in error ? asArray(error.errors).at(-1) : error;
  if (!isNativeError(last)) return "it is not reachable";
  const { message, code, syscall } = last as NodeJS.ErrnoException;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `its name is unknown (${code})`;
  if (code === "ECONNRESET" || message === "Socket closed unexpectedly") return CLOSED;
  // Its message contains the address, which callers of the gateway need not know.
  if (code !== undefined && syscall !== undefined) return `${syscall} ${code}`;
  if (code !== undefined && UNTRUSTED.test(code))
    return "its certificate is not trusted: cluster.redis.caFile names its authority's file";
  if (code?.startsWith("ERR_SSL_")) return "it does not speak TLS";
  // The driver's own errors about bytes that it cannot parse, which they quote.
  if (code === undefined && !/^(Socket|Connection) /.test(message)) return "it does not speak Redis' protocol";
  return message || code || "it is not reachable";
}

const meaningOf = (message: string) => MEANINGS.find(([pattern]) => pattern.test(message))?.[1];

import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import type { ClientConfig } from "pg";
import { typeParsers } from "./values.ts";

/** Where the data lies. */
export interface PostgresOptions {
  /** Such as `postgres://sluice:secret@db.example.com/sluice?sslmode=verify-full`. Holds a secret: never shown. */
  readonly url: string;
  /** The schema of all tables. */
  readonly schema: string;
  /** How many connections are open at most, besides the one that holds the gateway's locks. */
  readonly connections: number;
}

/** How long a connection may take, waiting for a free one included, unless the URL's `connect_timeout` says otherwise. */
const CONNECT_SECONDS = 5;
/** How long a statement may take. An address that has gone silent would otherwise hold it for a quarter of an hour. */
export const STATEMENT_MS = 10_000;
/** The server gives a statement up this much earlier: what it might still do cannot come after what is written next. */
const EARLIER_MS = 1_000;

/** How long the server works at a statement that may take so long here, in milliseconds. */
export const serverTimeoutOf = (timeoutMs: number): number => timeoutMs - EARLIER_MS;

/** A gateway that stands still in a transaction keeps others from its rows no longer than this. */
const STANDSTILL_MS = 60_000;

/** Until a silent connection is tried. Linux would wait two hours. */
const KEEPALIVE_MS = 10_000;

/** Parameters that say how TLS is used. They are read here, because drivers disagree on what they mean. */
const TLS_PARAMETERS = ["ssl", "sslmode", "sslrootcert", "sslcert", "sslkey", "uselibpqcompat"] as const;

/** Hosts whose traffic stays on this machine: a socket's directory, or loopback. */
const LOCAL = /^(\/.*|localhost|127(\.\d+){3}|\[?::1\]?|)$/;

/**
 * Sets up a connection. By statements: a pool between refuses to start a connection with settings that it does not know
 * (PgBouncer's `ignore_startup_parameters`).
 */
export const setUp = (schema: string): string =>
  `SET search_path = "${schema}"; SET statement_timeout = ${serverTimeoutOf(STATEMENT_MS)};
   SET idle_in_transaction_session_timeout = ${STANDSTILL_MS}`;

/** The driver's settings for one connection. Throws when the URL says something that cannot be kept. */
export function connectionOf(text: string): ClientConfig {
  const url = URL.parse(text);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) throw new Error("its URL does not begin with postgres://");
  const ssl = tlsOf(url);
  const connectSeconds = url.searchParams.get("connect_timeout");
  if (connectSeconds !== null && !/^[1-9]\d?$/.test(connectSeconds)) {
    throw new Error("its connect_timeout is no number of seconds from 1 to 99");
  }
  for (const name of [...TLS_PARAMETERS, "connect_timeout"]) url.searchParams.delete(name);
  return {
    connectionString: url.href,
    ssl,
    application_name: url.searchParams.get("application_name") ?? "sluice",
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
    connectionTimeoutMillis: Number(connectSeconds ?? CONNECT_SECONDS) * 1_000,
    query_timeout: STATEMENT_MS,
    types: typeParsers,
  };
}

/** Names the server for people, without its user and password. */
export function placeOf(text: string): string {
  const url = URL.parse(text);
  return url ? `${url.searchParams.get("host") ?? url.host}${url.pathname}` : "an unreadable address";
}

/**
 * The TLS that `sslmode` asks for. Verified is the only encryption that is worth something, so `require` verifies, too;
 * modes that go on without encryption when the server has none are refused. By default other machines need TLS.
 */
function tlsOf(url: URL): false | ConnectionOptions {
  const given = (name: string) => url.searchParams.get(name) ?? undefined;
  const mode = given("sslmode") ?? (LOCAL.test(given("host") ?? url.hostname) ? "disable" : "verify-full");
  if (mode === "disable") return false;
  if (!["require", "verify-ca", "verify-full", "no-verify"].includes(mode)) {
    throw new Error(`its sslmode is "${mode}": it may be disable, no-verify or verify-full`);
  }
  const read = (name: string) => {
    const path = given(name);
    if (path === undefined) return undefined;
    try {
      return readFileSync(path, "utf8");
    } catch (cause) {
      const { code = "" } = cause as NodeJS.ErrnoException;
      throw new Error(`its ${name}, ${path}, cannot be read (${code})`, { cause });
    }
  };
  return {
    rejectUnauthorized: mode !== "no-verify",
    ca: read("sslrootcert"),
    cert: read("sslcert"),
    key: read("sslkey"),
  };
}

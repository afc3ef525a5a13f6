import { isWildcard } from "../../config/addresses/loopback.ts";
import { asObject, asString } from "../../core/kernel/json.ts";
import { configOf } from "../config-of.ts";

/** How a command is told which gateway it asks. */
export interface GatewayOptions {
  readonly url?: string | undefined;
  readonly config?: string | undefined;
}

/** A running gateway, as a command calls it. */
export interface GatewayAddress {
  /** Without a slash at its end. */
  readonly base: string;
  readonly token: string | undefined;
}

/** How long the gateway may take to answer, in milliseconds. */
const ANSWER_MS = 10_000;

/** No gateway answers; it may be restarting. */
export class NoGateway extends Error {}

/** Where the configuration listens, unless `url` says otherwise, with the configuration's token. Throws ConfigError. */
export function gatewayOf(
  { url, config: file }: GatewayOptions,
  { env, cwd }: { readonly env: Readonly<Record<string, string | undefined>>; readonly cwd: string },
): GatewayAddress {
  const config = configOf(file, { env, cwd });
  const { host, port, basePath } = config.listen;
  const name = isWildcard(host) ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
  return {
    base: (url ?? `http://${name}:${port}${basePath}`).replace(/\/+$/, ""),
    token: config.auth.token?.reveal(),
  };
}

/** A gateway's answer as JSON; undefined for one without. Throws NoGateway, or an error with the gateway's own reason. */
export async function askGateway({ base, token }: GatewayAddress, path: string, method = "GET"): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(`${base}${path}`, {
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ANSWER_MS),
    });
  } catch (cause) {
    throw new NoGateway(`no gateway answers at ${base}; start one, or say where it is with --url`, { cause });
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body;
  const said = asString(asObject(asObject(body)?.error)?.message) ?? "no reason given";
  throw new Error(`the gateway at ${base} refuses with ${response.status}: ${said}`);
}

import type { Target } from "../client/job.ts";
import type { Row } from "./row.ts";

export interface TargetOptions {
  readonly url: string;
  /** Headers of each request or handshake, as `Name: value`. */
  readonly headers: readonly string[];
  readonly model: string | undefined;
  readonly route: string | undefined;
  /** Its process, if it runs on this machine, for CPU and memory. */
  readonly pid: number | undefined;
}

/** A gateway that is already running: `ws:` speaks `sluice.v1`, `http:` answers chat completions in SSE. */
export function targetRow({ url, headers, model, route, pid }: TargetOptions): Row {
  const protocol = /^wss?:/.test(url) ? "sluice" : "sse";
  const target: Target = {
    protocol,
    url,
    headers: Object.fromEntries(headers.map(splitHeader)),
    ...(model !== undefined && { model }),
    ...(route !== undefined && { route }),
    acknowledges: protocol === "sluice",
  };
  return {
    name: "target",
    what: url,
    protocol,
    version: () => "",
    start: async () => ({ target, pids: pid === undefined ? [] : [pid], stop: async () => undefined }),
  };
}

function splitHeader(header: string): [string, string] {
  const colon = header.indexOf(":");
  if (colon <= 0) throw new Error("--header takes 'Name: value'");
  return [header.slice(0, colon).trim(), header.slice(colon + 1).trim()];
}

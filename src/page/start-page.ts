import { readFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { STREAM_PATH } from "../../protocol/stream.ts";
import type { Caller, Caps, Team } from "../core/caller/caller.ts";
import { clientFiles } from "./client-files.ts";

/** A request for a page. */
export interface PageRequest {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly remoteAddress: string;
}

/** The response to it. */
export interface PageResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  /** Called once the body is sent or its client is gone. */
  readonly over?: () => void;
}

/** What is running: the content of `/start.json`. */
export interface PageInfo {
  readonly uptimeS: number;
  readonly authRequired: boolean;
  /** Whether the embedded demo upstream is running. */
  readonly demo: boolean;
  /** Path of the Control UI, if one is installed. */
  readonly controlUi: string | undefined;
  /** Whether `/metrics` is served beside the page. */
  readonly metrics: boolean;
  /** Who asks, and what its key permits (null: everything); absent where nobody signs in. */
  readonly caller?: {
    readonly name: string;
    readonly scopes: readonly string[] | null;
    readonly caps: Caps;
    /** The team that it spends for. */
    readonly team?: Team | undefined;
  };
  readonly models: readonly {
    readonly alias: string;
    readonly name: string;
    readonly route: string;
    readonly dialect: string;
  }[];
}

/** What the start page shows, and who may see it. */
export interface StartPageParts {
  readonly version: string;
  /** The part that this caller may see. */
  readonly info: (caller?: Caller) => PageInfo;
  /** The caller of a request. Only called if credentials are required and the request has some. */
  readonly callerOf: (headers: IncomingHttpHeaders, remoteAddress: string) => Caller | undefined;
}

/** The page contains everything it needs and may reach only this gateway, even if a script is injected into it. */
const SECURITY_HEADERS = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

const FILES = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/index.html": ["index.html", "text/html; charset=utf-8"],
  "/base.css": ["base.css", "text/css; charset=utf-8"],
  "/start.css": ["start.css", "text/css; charset=utf-8"],
  "/wire.css": ["wire.css", "text/css; charset=utf-8"],
  "/start.js": ["start.js", "text/javascript; charset=utf-8"],
  "/address.js": ["address.js", "text/javascript; charset=utf-8"],
  "/try-it.js": ["try-it.js", "text/javascript; charset=utf-8"],
  "/run-view.js": ["run-view.js", "text/javascript; charset=utf-8"],
  "/dialect-reader.js": ["dialect-reader.js", "text/javascript; charset=utf-8"],
  "/clients.js": ["clients.js", "text/javascript; charset=utf-8"],
  "/connect.js": ["connect.js", "text/javascript; charset=utf-8"],
  "/frame-view.js": ["frame-view.js", "text/javascript; charset=utf-8"],
  "/lane.js": ["lane.js", "text/javascript; charset=utf-8"],
  "/watched-socket.js": ["watched-socket.js", "text/javascript; charset=utf-8"],
  "/usage.js": ["usage.js", "text/javascript; charset=utf-8"],
  "/wire.js": ["wire.js", "text/javascript; charset=utf-8"],
  "/snippets.js": ["snippets.js", "text/javascript; charset=utf-8"],
} as const;

/** Below this path lie the modules of the client. */
const CLIENT_PATH = "/client/";

/** Serves the start page and `/start.json`. Returns undefined for other paths. Files are read once. */
export function createStartPage(parts: StartPageParts): (request: PageRequest) => PageResponse | undefined {
  const pages = new Map<string, PageResponse>();
  for (const [path, [file, type]] of Object.entries(FILES)) {
    const body = readFileSync(new URL(`static/${file}`, import.meta.url), "utf8");
    pages.set(path, { status: 200, headers: { "content-type": type, ...SECURITY_HEADERS }, body });
  }
  let client: ReadonlyMap<string, string> | undefined;
  /** At the first request, because sources must lose their types first. */
  const clientFile = (path: string): PageResponse | undefined => {
    client ??= clientFiles();
    const body = client.get(path.slice(CLIENT_PATH.length));
    const headers = { "content-type": "text/javascript; charset=utf-8", ...SECURITY_HEADERS };
    return body === undefined ? undefined : { status: 200, headers, body };
  };
  const pageAt = (path: string) => (path.startsWith(CLIENT_PATH) ? clientFile(path) : pages.get(path));
  return (request) => {
    const page = request.path === "/start.json" ? json(whatRuns(parts, request)) : pageAt(request.path);
    if (!page || request.method === "GET" || request.method === "HEAD") return page;
    return { status: 405, headers: { ...page.headers, allow: "GET, HEAD", "content-type": "text/plain" }, body: "" };
  };
}

/** When credentials are required, unauthenticated callers see only the version and that fact. */
function whatRuns({ version, info, callerOf }: StartPageParts, { headers, remoteAddress }: PageRequest) {
  const isAsked = info().authRequired && headers.authorization !== undefined;
  const caller = isAsked ? callerOf(headers, remoteAddress) : undefined;
  const { authRequired, ...rest } = info(caller);
  if (authRequired && !caller) return { version, authRequired };
  const endpoints = { openclaw: "/", streams: STREAM_PATH, health: "/healthz", ready: "/readyz" };
  return { version, authRequired, ...rest, endpoints };
}

const json = (value: unknown): PageResponse => ({
  status: 200,
  headers: { "content-type": "application/json", ...SECURITY_HEADERS },
  body: `${JSON.stringify(value)}\n`,
});

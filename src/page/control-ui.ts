import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { extname, join } from "node:path";
import { CONTROL_UI_PATH } from "../../protocol/openclaw/wire.ts";
import { GatewayError } from "../core/kernel/errors.ts";
import { OwnFiles } from "./own-files.ts";
import type { PageRequest, PageResponse } from "./start-page.ts";

/** What the pages are made of. */
export interface ControlUiParts {
  /** Where the Control UI is installed: its `index.html`, `assets/` and so on. */
  readonly directory: string;
  readonly version: string;
  readonly agentName: string;
  /** The path below which a proxy serves the gateway, such as `/sluice`; empty at the root. */
  readonly basePath: string;
  readonly authRequired: () => boolean;
  /** Whether the request carries a valid token. */
  readonly authorised: (headers: IncomingHttpHeaders, remoteAddress: string) => boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".gif": "image/gif",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
};

const NO_STORE = "no-store";
/** For names below `assets/`, which contain a hash of the content. */
const IMMUTABLE = "public, max-age=31536000, immutable";
const REVALIDATE = "no-cache";

const SECURITY_HEADERS = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), clipboard-write=(self)",
};

/** Compressed forms of a file that may lie beside it, the smaller first. */
const ENCODINGS = [
  { name: "br", suffix: ".br" },
  { name: "gzip", suffix: ".gz" },
] as const;

const SETTINGS = /(^|\/)control-ui-config\.json$/;

/** Whether a path is that of the Control UI's settings, which its device tokens open. */
export const isControlUiSettings = (path: string): boolean =>
  path.startsWith(`${CONTROL_UI_PATH}/`) && SETTINGS.test(path);

/**
 * Serves an installed OpenClaw Control UI below `/ui/`, unchanged except for the base path in its start document. Returns
 * undefined for other paths. Files are looked up in a list made at the start, so no path leads out of the directory.
 * Throws `not_found` if the directory has no Control UI.
 */
export function createControlUi(parts: ControlUiParts): (request: PageRequest) => Promise<PageResponse> | undefined {
  const { directory } = parts;
  const files = readFiles(directory);
  const { html, scripts } = startDocument(
    readFileSync(join(directory, "index.html"), "utf8"),
    parts.basePath + CONTROL_UI_PATH,
  );
  const headers = { ...SECURITY_HEADERS, "content-security-policy": policy(scripts) };
  const document = {
    status: 200,
    headers: { ...headers, "content-type": TYPES[".html"] ?? "", "cache-control": NO_STORE },
  };

  async function answer(request: PageRequest, name: string): Promise<PageResponse> {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return plain(405, "only GET and HEAD", { ...headers, allow: "GET, HEAD" });
    }
    if (SETTINGS.test(name)) return settings(parts, request, headers);
    if (name !== "index.html" && files.has(name)) return file(request, name);
    // Deep links are routes of the page. A missing file must not look like one.
    const navigates = request.headers.accept?.includes("text/html") === true;
    if (extname(name) === "" || name === "index.html" || navigates) return { ...document, body: html };
    return plain(404, "not found", headers);
  }

  async function file(request: PageRequest, name: string): Promise<PageResponse> {
    const accepted = String(request.headers["accept-encoding"] ?? "");
    const encoding = ENCODINGS.find((form) => accepted.includes(form.name) && files.has(name + form.suffix));
    const hashed = name.startsWith("assets/");
    const body = await files.read(name + (encoding?.suffix ?? ""));
    if (!body) return plain(404, "not found", headers);
    return {
      status: 200,
      headers: {
        ...headers,
        "content-type": TYPES[extname(name).toLowerCase()] ?? "application/octet-stream",
        "cache-control": hashed ? IMMUTABLE : REVALIDATE,
        vary: "accept-encoding",
        ...(encoding && { "content-encoding": encoding.name }),
      },
      body,
    };
  }

  return (request) => {
    const { path } = request;
    if (path === CONTROL_UI_PATH) return answer(request, "");
    return path.startsWith(`${CONTROL_UI_PATH}/`) ? answer(request, path.slice(CONTROL_UI_PATH.length + 1)) : undefined;
  };
}

function readFiles(directory: string): OwnFiles {
  const refused = (found: string) =>
    new GatewayError(
      "not_found",
      `no Control UI: ${directory} ${found}; set SLUICE_CONTROL_UI, --control-ui or openclaw.controlUi to an installed one`,
    );
  let files: OwnFiles;
  try {
    files = new OwnFiles(directory);
  } catch {
    throw refused("cannot be read");
  }
  if (!files.has("index.html")) throw refused("has no index.html");
  return files;
}

/** `index.html` with absolute addresses and its base path, and the hashes of its inline scripts. */
function startDocument(
  source: string,
  basePath: string,
): { readonly html: string; readonly scripts: readonly string[] } {
  const html = source
    .replace(/<html(?=[\s>])/, `<html data-openclaw-control-ui-base-path="${basePath}"`)
    .replace(/(\s(?:href|src)=")\.\//g, `$1${basePath}/`);
  const inside = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)];
  const hash = (text: string) => createHash("sha256").update(text).digest("base64");
  return { html, scripts: inside.map(([, text = ""]) => `'sha256-${hash(text)}'`) };
}

/**
 * The page may load from and connect to this gateway alone: neither an injected script nor a link with another
 * `gatewayUrl` reaches any other host. A picture in an answer would tell its host that it was read.
 */
const policy = (scripts: readonly string[]): string =>
  [
    "default-src 'self'",
    `script-src 'self' 'wasm-unsafe-eval' ${scripts.join(" ")}`.trim(),
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "media-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self' data: blob:",
    "worker-src 'self' blob:",
    "frame-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");

/** The settings that the page fetches before it connects. */
function settings(
  parts: ControlUiParts,
  request: PageRequest,
  headers: Readonly<Record<string, string>>,
): PageResponse {
  const known = !parts.authRequired() || parts.authorised(request.headers, request.remoteAddress);
  if (!known) return json(401, { error: { message: "Unauthorized", type: "unauthorized" } }, headers);
  const value = {
    basePath: parts.basePath + CONTROL_UI_PATH,
    assistantName: parts.agentName,
    assistantAvatar: parts.agentName.slice(0, 1),
    assistantAgentId: "main",
    // Shown as it is, so that people know which gateway this is.
    serverVersion: `Sluice ${parts.version}`,
    embedSandbox: "strict",
    allowExternalEmbedUrls: false,
    automaticallyFetchFavicons: false,
    communityInvite: false,
    terminalEnabled: false,
    cliAgentsEnabled: false,
    pluginAssetsRequireAuth: true,
    pluginFrameGrants: [],
  };
  return json(200, value, headers);
}

const json = (status: number, value: unknown, headers: Readonly<Record<string, string>>): PageResponse => ({
  status,
  headers: { ...headers, "content-type": "application/json", "cache-control": NO_STORE },
  body: JSON.stringify(value),
});

const plain = (status: number, text: string, headers: Readonly<Record<string, string>>): PageResponse => ({
  status,
  headers: { ...headers, "content-type": "text/plain; charset=utf-8", "cache-control": NO_STORE },
  body: `${text}\n`,
});

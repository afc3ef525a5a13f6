/** Serves the files of conversations to the Control UI, at the address and with the credentials of the real gateway. */
import type { IncomingHttpHeaders } from "node:http";
import { CONTROL_UI_PATH } from "../../protocol/openclaw/wire.ts";
import { type Caller, requireScope } from "../core/caller/caller.ts";
import { GatewayError, toGatewayError } from "../core/kernel/errors.ts";
import type { MessageFile } from "../core/ports/message-file.ts";
import { MediaTickets } from "./media-tickets.ts";
import type { PageRequest, PageResponse } from "./start-page.ts";

/** What the route is made of. */
export interface AssistantMediaParts {
  /** Who sends a request; undefined without valid credentials. Throws `unauthorized` and `rate_limited`. */
  readonly callerOf: (headers: IncomingHttpHeaders, remoteAddress: string) => Caller | undefined;
  /** The caller with what its key grants now. Throws `unauthorized`. */
  readonly current: (caller: Caller) => Caller;
  /** A file of a session's message; undefined if there is none. Rejects with GatewayError. */
  readonly fileOf: (sessionKey: string, source: string) => Promise<MessageFile | undefined>;
  /** Reserves memory for a file until it is sent. Throws `overloaded`. */
  readonly reserve: (caller: Caller, bytes: number) => { release(): void };
  /** Wall clock in milliseconds. */
  readonly now: () => number;
}

/** A request with its query. */
export type MediaRequest = PageRequest & { readonly query: URLSearchParams };

const ROUTE = "/__openclaw__/assistant-media";
const PATHS = new Set([ROUTE, CONTROL_UI_PATH + ROUTE]);

/** Whether a path is this route's. */
export const isAssistantMedia = (path: string): boolean => PATHS.has(path);

/** Types that browsers show and cannot run scripts of; files of other types are only downloaded. */
const SHOWN = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
/** Types that are sent as they are; anything else is `application/octet-stream`. */
const NAMED = new Set([...SHOWN, "application/pdf", "text/plain"]);

const HEADERS = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  // A browser asks each time, because a deleted conversation has no pictures.
  "cache-control": "private, no-cache",
};

/**
 * `GET /__openclaw__/assistant-media?source=…&sessionKey=…`, also below the Control UI. With `meta=1` it describes the file
 * and issues a ticket, by which an image element fetches the bytes. Callers need the scope `chat`. Undefined for other paths.
 */
export function createAssistantMedia(
  parts: AssistantMediaParts,
): (request: MediaRequest) => Promise<PageResponse> | undefined {
  const tickets = new MediaTickets(parts.now);

  function callerOf(request: MediaRequest, subject: string): Caller {
    const ticket = request.query.get("mediaTicket");
    const isMeta = request.query.get("meta") === "1";
    const known = ticket === null || isMeta ? undefined : tickets.callerOf(ticket, subject);
    if (ticket !== null && !isMeta && !known) throw new GatewayError("not_found");
    const caller = known ? parts.current(known) : parts.callerOf(request.headers, request.remoteAddress);
    if (!caller) throw new GatewayError("unauthorized");
    requireScope(caller, "chat");
    return caller;
  }

  async function fileOf(sessionKey: string, source: string): Promise<MessageFile | undefined> {
    try {
      return await parts.fileOf(sessionKey, source);
    } catch (error) {
      // A key that no session can have.
      if (toGatewayError(error).code === "bad_request") return undefined;
      throw error;
    }
  }

  async function answer(request: MediaRequest): Promise<PageResponse> {
    const { method, query } = request;
    if (method !== "GET" && method !== "HEAD") return plain(405, "only GET and HEAD", { allow: "GET, HEAD" });
    const [source, sessionKey] = [query.get("source") ?? "", query.get("sessionKey") ?? ""];
    const subject = JSON.stringify([sessionKey, source]);
    const caller = callerOf(request, subject);
    const file = await fileOf(sessionKey, source);
    if (query.get("meta") === "1") return meta(file, () => tickets.issue(caller, subject));
    if (!file) throw new GatewayError("not_found");
    const room = parts.reserve(caller, file.sizeBytes);
    return { ...whole(file), over: () => room.release() };
  }

  return (request) => (isAssistantMedia(request.path) ? answer(request) : undefined);
}

function meta(file: MessageFile | undefined, ticket: () => object): PageResponse {
  const value = file
    ? { available: true, mimeType: file.mimeType, sizeBytes: file.sizeBytes, ...ticket() }
    : { available: false, code: "file-not-found", reason: "File not found", retryable: false };
  const headers = { ...HEADERS, "content-type": "application/json", "cache-control": "no-store" };
  return { status: 200, headers, body: JSON.stringify(value) };
}

function whole({ mimeType, fileName, read }: MessageFile): PageResponse {
  const type = NAMED.has(mimeType) ? mimeType : "application/octet-stream";
  const headers = {
    ...HEADERS,
    "content-type": type === "text/plain" ? "text/plain; charset=utf-8" : type,
    "content-disposition": `${SHOWN.has(type) ? "inline" : "attachment"}; filename*=UTF-8''${encoded(fileName)}`,
  };
  const { buffer, byteOffset, byteLength } = read();
  return { status: 200, headers, body: Buffer.from(buffer, byteOffset, byteLength) };
}

/** RFC 8187's form of a file name. */
const encoded = (name: string): string =>
  encodeURIComponent(name.toWellFormed()).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);

const plain = (status: number, text: string, headers: Readonly<Record<string, string>>): PageResponse => ({
  status,
  headers: { ...HEADERS, ...headers, "content-type": "text/plain; charset=utf-8" },
  body: `${text}\n`,
});

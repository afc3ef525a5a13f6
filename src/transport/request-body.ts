import type { IncomingMessage } from "node:http";
import { GatewayError } from "../core/errors.ts";

/**
 * Reads a request's body as UTF-8 text and counts while it comes, whatever length was promised. `done` is called once,
 * with the text or with what is wrong; never when the client leaves before the end. How long a body may take is the
 * server's `requestTimeout`.
 */
export function readBody(
  request: IncomingMessage,
  maxBytes: number,
  done: (result: string | GatewayError) => void,
): void {
  let chunks: Buffer[] = [];
  let bytes = 0;
  let wrong = encodingFault(request);
  // What comes after a fault is thrown away as it comes: many clients hear an answer only when they have sent all.
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) wrong ??= tooLarge(maxBytes);
    if (wrong) chunks = [];
    else chunks.push(chunk);
  });
  request.on("end", () => done(wrong ?? decode(Buffer.concat(chunks))));
  // A client that leaves in the middle is no fault; the response's "close" tells of it.
  request.on("error", () => {});
}

function encodingFault({ headers }: IncomingMessage): GatewayError | undefined {
  const encoding = headers["content-encoding"]?.trim().toLowerCase() || "identity";
  // A packed body unfolds to a thousand times its length.
  return encoding === "identity" ? undefined : new GatewayError("bad_request", "a packed body is not taken");
}

const tooLarge = (maxBytes: number): GatewayError =>
  new GatewayError("frame_too_large", `the body is larger than ${maxBytes} bytes`, { details: { limit: maxBytes } });

function decode(bytes: Buffer): string | GatewayError {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new GatewayError("bad_request", "the body is not UTF-8");
  }
}

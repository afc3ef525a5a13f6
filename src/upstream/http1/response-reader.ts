import { type ByteString, copyOf } from "../../core/kernel/byte-string.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { readChunkSize } from "./chunk-size.ts";
import { checkTrailer, type FramedHead, hasBareLineEnd, protocolError, readHead } from "./response-head.ts";

/** Receives the parts of a response in order. */
export interface ResponseSink {
  /** The final head; interim heads are skipped. */
  head(head: FramedHead): void;
  data(bytes: ByteString): void;
}

/** Limit for all heads of a response, interim ones included; providers' stay under 4 KiB. */
const MAX_HEAD_BYTES = 16_384;
/** Limit for a chunk-size line with its extensions. */
const MAX_SIZE_LINE_BYTES = 1_024;
const VERSION = "HTTP/1.";
const HEAD_END = "\r\n\r\n";
const LINE_END = "\r\n";
const CR = 13;
const LF = 10;

/** What the next bytes should be. Bytes after `done` were not asked for. */
type Expected = "head" | "body" | "size" | "chunk" | "chunk end" | "trailer" | "until close" | "done";

/**
 * Parses one HTTP/1.1 response from bytes split anywhere (one character per byte) and passes its body on in the slices that
 * arrive. Strict: it refuses what RFC 9112 lets a reader guess about, because a wrong guess puts one response into another.
 */
export class ResponseReader {
  readonly #sink: ResponseSink;
  #expected: Expected = "head";
  /** The start of an incomplete head or line. */
  #rest: ByteString = "";
  /** Bytes of the body or chunk still to come. */
  #left = 0;
  /** Bytes of interim heads, or of the trailer, so far. */
  #skipped = 0;
  #idleMs: number | undefined = 0;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** Whether the response is complete. */
  get isDone(): boolean {
    return this.#expected === "done";
  }

  /** Whether the final head has arrived. */
  get hasHead(): boolean {
    return this.#expected !== "head";
  }

  /** How long the connection may be kept for another call, in milliseconds; undefined if the upstream does not say. */
  get idleMs(): number | undefined {
    return this.#idleMs;
  }

  /** Throws `upstream_protocol`, or `upstream_bad_response` for a head that is too large. */
  read(bytes: ByteString): void {
    let at = 0;
    while (at < bytes.length) {
      switch (this.#expected) {
        case "size":
          at = this.#size(bytes, at);
          break;
        case "chunk":
        case "body":
          at = this.#body(bytes, at);
          break;
        case "chunk end":
          at = this.#chunkEnd(bytes, at);
          break;
        case "until close":
          this.#sink.data(at === 0 ? bytes : bytes.slice(at));
          return;
        case "head":
          at = this.#head(bytes, at);
          break;
        case "trailer":
          at = this.#trailer(bytes, at);
          break;
        case "done":
          // Unrequested bytes: the connection cannot be trusted for another call.
          this.#idleMs = 0;
          return;
      }
    }
  }

  /** The connection ended. Throws `upstream_truncated`, or `upstream_reset` before the final head. */
  close(): void {
    if (this.#expected === "until close") this.#expected = "done";
    if (!this.isDone) throw new GatewayError(this.hasHead ? "upstream_truncated" : "upstream_reset");
  }

  #head(bytes: ByteString, at: number): number {
    // The end of the head may have been split: part of it is in the rest.
    const from = Math.max(0, this.#rest.length - HEAD_END.length + 1);
    const text = this.#rest + bytes.slice(at);
    const end = text.indexOf(HEAD_END, from);
    // The last bytes may be the start of that end.
    if (this.#skipped + (end < 0 ? text.length - HEAD_END.length + 1 : end) > MAX_HEAD_BYTES) {
      const details = { reason: "headers_too_large" };
      throw new GatewayError("upstream_bad_response", "the upstream's headers are too large", { details });
    }
    if (end < 0) {
      // Not a head at all: its end may never come.
      if (!text.startsWith(VERSION.slice(0, text.length))) throw protocolError("no HTTP/1 status line");
      if (hasBareLineEnd(text, this.#rest.length)) throw protocolError("a head whose lines end in bare LF");
      this.#rest = text;
      return bytes.length;
    }
    const next = at + end + HEAD_END.length - this.#rest.length;
    this.#rest = "";
    // Its fields outlive the read that brought them.
    const head = readHead(copyOf(text.slice(0, end)));
    if (head.status < 200) {
      this.#skipped += end + HEAD_END.length;
      return next;
    }
    this.#skipped = 0;
    this.#idleMs = head.idleMs;
    if (head.framing === "chunked") this.#expected = "size";
    else if (head.framing === "close") this.#expected = "until close";
    else {
      this.#left = head.framing;
      this.#expected = this.#left === 0 ? "done" : "body";
    }
    this.#sink.head(head);
    return next;
  }

  #body(bytes: ByteString, at: number): number {
    const end = at + Math.min(this.#left, bytes.length - at);
    this.#left -= end - at;
    if (this.#left === 0) this.#expected = this.#expected === "chunk" ? "chunk end" : "done";
    this.#sink.data(bytes.slice(at, end));
    return end;
  }

  /** Reads a chunk-size line that is complete in these bytes, the usual case. */
  #size(bytes: ByteString, at: number): number {
    const end = this.#rest === "" ? bytes.indexOf(LINE_END, at) : -1;
    if (end < 0 || end - at > MAX_SIZE_LINE_BYTES) return this.#cutSize(bytes, at);
    this.#sized(readChunkSize(bytes, at, end));
    return end + LINE_END.length;
  }

  #cutSize(bytes: ByteString, at: number): number {
    const line = this.#rest + bytes.slice(at);
    const end = line.indexOf(LINE_END);
    const length = end < 0 ? line.length - LINE_END.length + 1 : end;
    if (length > MAX_SIZE_LINE_BYTES || (end < 0 && hasBareLineEnd(line, this.#rest.length)))
      throw protocolError("a chunk of no certain size");
    if (end < 0) {
      this.#rest = line;
      return bytes.length;
    }
    const next = at + end + LINE_END.length - this.#rest.length;
    this.#rest = "";
    this.#sized(readChunkSize(line, 0, end));
    return next;
  }

  #sized(size: number): void {
    this.#left = size;
    this.#expected = size === 0 ? "trailer" : "chunk";
  }

  /** The line end after a chunk's data, which may arrive in two pieces. */
  #chunkEnd(bytes: ByteString, at: number): number {
    let next = at;
    if (this.#rest === "") {
      if (bytes.charCodeAt(next++) !== CR) throw protocolError("a chunk of another size than it says");
      this.#rest = "\r";
    }
    if (next === bytes.length) return next;
    if (bytes.charCodeAt(next++) !== LF) throw protocolError("a chunk of another size than it says");
    this.#rest = "";
    this.#expected = "size";
    return next;
  }

  /** Checks and discards lines up to an empty one. */
  #trailer(bytes: ByteString, at: number): number {
    const line = this.#rest + bytes.slice(at);
    const end = line.indexOf(LINE_END);
    const next = end < 0 ? bytes.length : at + end + LINE_END.length - this.#rest.length;
    this.#skipped += next - at;
    if (this.#skipped > MAX_HEAD_BYTES) throw protocolError("an endless trailer");
    if (end < 0 && hasBareLineEnd(line, this.#rest.length)) throw protocolError("a malformed trailer");
    if (end > 0) checkTrailer(line.slice(0, end));
    this.#rest = end < 0 ? line : "";
    if (end === 0) this.#expected = "done";
    return next;
  }
}

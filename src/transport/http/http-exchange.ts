import type { IncomingMessage, ServerResponse } from "node:http";
import type { Code } from "../../../protocol/codes.ts";
import type { Caller } from "../../core/caller/caller.ts";
import type { ByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import type {
  HttpBody,
  HttpExchange,
  HttpFace,
  HttpResponse,
  Upload,
  UploadReceiver,
} from "../../core/ports/http-face.ts";
import { type Page, sendPage } from "./page.ts";
import { type BodyRoom, readBody } from "./request-body.ts";
import { expectsContinue, fieldOf, queryOf } from "./target.ts";
import { readUpload } from "./upload.ts";

/** What an exchange is built from. */
export interface ExchangeParts {
  readonly id: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The path under which its face matched the request. */
  readonly path: string;
  readonly caller: Caller;
  /** Headers of every response. */
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes a response may buffer before its face should pause. */
  readonly gateBytes: number;
  readonly room: BodyRoom;
  /** Runs work on the caller's time account. */
  readonly handle: (work: () => void) => void;
  /** Registers what to do when the body arrives too slowly. */
  readonly onTooSlow: (tooSlow: () => void) => void;
  /** Says whether the body is awaited, so that a client is not slow for one that is not read. */
  readonly awaits: (isAwaited: boolean) => void;
  /** How long a client may leave buffered data unread, in milliseconds. */
  readonly stallMs: number;
  /** Renders a refusal in the face's form. */
  readonly refusal: (error: GatewayError) => Page;
  /** Reports a refusal to the observer. */
  readonly refused: (error: GatewayError) => void;
  readonly fault: (error: unknown) => void;
}

/** One HTTP request and its response, as its face sees them. */
export class ServerExchange implements HttpExchange, HttpBody {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly caller: Caller;
  readonly #parts: ExchangeParts;
  readonly #response: ServerResponse;
  readonly #query: URLSearchParams;
  #drained: () => void = () => {};
  #closed: (why: Code) => void = () => {};
  /** Abandons the body. */
  #unread: () => void = () => {};
  /** Whether the client waits for `100 Continue` before it sends its body. */
  #isHeldBack: boolean;
  #blocked = false;
  /** Whether the response is complete or abandoned. */
  #over = false;

  constructor(parts: ExchangeParts) {
    const { request, response } = parts;
    this.#parts = parts;
    this.#response = response;
    this.id = parts.id;
    this.method = request.method ?? "GET";
    this.path = parts.path;
    this.caller = parts.caller;
    this.#query = queryOf(request);
    this.#isHeldBack = expectsContinue(request);
    response.on("close", () => {
      this.#unread();
      this.#leave("client_gone");
    });
    // Writing to a client that has just left is reported by "close".
    response.on("error", () => {});
    // A timeout means a stalled client only if data waits for it; otherwise the connection is merely silent.
    response.setTimeout(parts.stallMs, () => {
      if (response.writableLength > 0) response.destroy();
    });
  }

  get queryPairs(): readonly (readonly [name: string, value: string])[] {
    return [...this.#query];
  }

  query(name: string): string | undefined {
    return this.#query.get(name) ?? undefined;
  }

  header(name: string): string | undefined {
    return fieldOf(this.#parts.request, name);
  }

  upload(maxBytes: number, receiver: UploadReceiver): Upload {
    const { request, room, awaits } = this.#parts;
    this.#endIfSlow();
    const guarded: UploadReceiver = {
      part: (bytes) => this.#work(() => receiver.part(bytes)),
      end: () => this.#work(() => receiver.end()),
      failed: (error) => this.#work(() => receiver.failed(error)),
    };
    const welcome = () => this.#welcome();
    const upload = readUpload({ request, room, maxBytes, receiver: guarded, welcome, awaits });
    this.#unread = () => upload.abandon();
    return upload;
  }

  body(maxBytes: number, done: (text: string) => void): void {
    const { request, room } = this.#parts;
    this.#endIfSlow();
    const handle = (result: string | GatewayError) =>
      this.#work(() => {
        if (result instanceof GatewayError) throw result;
        done(result);
      });
    this.#unread = readBody(request, maxBytes, room, handle, () => this.#welcome());
  }

  onClose(listener: (why: Code) => void): void {
    this.#closed = listener;
  }

  respond(answer: HttpResponse): void {
    this.#send({ ...answer, headers: { "cache-control": "no-store", ...answer.headers } });
  }

  refuse(error: GatewayError, headers: Readonly<Record<string, string>> = {}, isTurnedAway = false): void {
    if (isTurnedAway) this.#parts.refused(error);
    const page = this.#parts.refusal(error);
    this.#send({ ...page, headers: { ...headers, ...page.headers } });
  }

  abort(): void {
    this.#over = true;
    this.#response.destroy();
  }

  stream({ status, headers }: Omit<HttpResponse, "body">, drained: () => void): HttpBody {
    this.#drained = drained;
    this.#response.writeHead(status, { ...this.#parts.headers, ...headers });
    this.#response.flushHeaders();
    return this;
  }

  // ── as the body of a streamed response ──────────────────────────────────────────────────────────────────────────────

  get writable(): boolean {
    this.#blocked = !this.#over && this.#response.writableLength >= this.#parts.gateBytes;
    return !this.#blocked;
  }

  write(bytes: ByteString): void {
    if (!this.#over) this.#response.write(bytes, "latin1", this.#written);
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#response.end();
  }

  // ── for the server ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Passes the request to its face. */
  begin(face: HttpFace): void {
    this.#guard(() => face.handle(this));
  }

  /** Ends the exchange and its connection; its face may write a last event first. */
  stop(why: Code): void {
    const { request } = this.#parts;
    this.#response.once("finish", () => request.socket.end());
    this.#leave(why);
    if (this.#response.writableEnded) return;
    if (this.#response.headersSent) this.#response.end();
    else {
      // The rest of the request is not read, so no other request can follow.
      this.#response.shouldKeepAlive = false;
      sendPage(
        request,
        this.#response,
        this.#parts.refusal(new GatewayError(why)),
        this.#parts.headers,
        this.#isHeldBack,
      );
      // Does not wait for the rest of the request.
      this.#response.end();
    }
  }

  /** Runs a face's work on its caller's account. */
  #work(work: () => void): void {
    if (!this.#over) this.#parts.handle(() => this.#guard(work));
  }

  #endIfSlow(): void {
    this.#parts.onTooSlow(() => {
      this.#parts.refused(new GatewayError("slow_sender"));
      this.stop("slow_sender");
    });
  }

  /** Asks for the body. */
  #welcome(): void {
    if (!this.#isHeldBack) return;
    this.#isHeldBack = false;
    this.#response.writeContinue();
  }

  #send(page: Page): void {
    if (this.#over) return;
    this.#unread();
    this.#over = true;
    sendPage(this.#parts.request, this.#response, page, this.#parts.headers, this.#isHeldBack);
  }

  #leave(why: Code): void {
    if (this.#over) return;
    this.#guard(() => this.#closed(why));
    this.#over = true;
  }

  readonly #written = (): void => {
    if (!this.#blocked || !this.writable) return;
    this.#guard(this.#drained);
  };

  /** Turns what a face throws into the response, or cuts off one that began. Reports faults. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (error.code === "internal") this.#parts.fault(thrown);
      else this.#parts.refused(error);
      if (this.#response.headersSent) this.#response.destroy();
      else this.refuse(error);
    }
  }
}

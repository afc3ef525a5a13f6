import type { IncomingMessage, ServerResponse } from "node:http";
import type { Code } from "../../../protocol/codes.ts";
import type { Caller } from "../../core/caller/caller.ts";
import type { ByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import type { HttpAnswer, HttpBody, HttpExchange, HttpFace } from "../../core/ports/http-face.ts";
import { type Page, sendPage } from "./page.ts";
import { type BodyRoom, readBody } from "./request-body.ts";
import { expectsContinue, fieldOf, queryOf } from "./target.ts";

export interface ExchangeParts {
  readonly id: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** By which its face found the request. */
  readonly path: string;
  readonly caller: Caller;
  /** Headers of every answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** What a response may hold back before its face should wait. */
  readonly gateBytes: number;
  readonly room: BodyRoom;
  /** Does what the body asks for, on the caller's account. */
  readonly handle: (work: () => void) => void;
  /** What to do when the body comes too slowly. */
  readonly onTooSlow: (tooSlow: () => void) => void;
  /** How long a client may take nothing of what waits for it, in milliseconds. */
  readonly stallMs: number;
  /** A refusal as the face words it. */
  readonly refusal: (error: GatewayError) => Page;
  /** Told of what the face refused. */
  readonly refused: (error: GatewayError) => void;
  readonly fault: (error: unknown) => void;
}

/** One HTTP request on its way through a face. */
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
  /** Gives up the body. */
  #unread: () => void = () => {};
  /** The client waits for a 100 before it sends its body. */
  #isHeldBack: boolean;
  #blocked = false;
  /** The answer is complete, or nobody waits for it any more. */
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
    // Writing to a client that just left is no fault; "close" tells of it.
    response.on("error", () => {});
    // The timer counts silence, which is fine, until something waits to be taken: then it counts a client that stalls.
    response.setTimeout(parts.stallMs, () => {
      if (response.writableLength > 0) response.destroy();
    });
  }

  get queryNames(): readonly string[] {
    return [...this.#query.keys()];
  }

  query(name: string): string | undefined {
    return this.#query.get(name) ?? undefined;
  }

  header(name: string): string | undefined {
    return fieldOf(this.#parts.request, name);
  }

  body(maxBytes: number, done: (text: string) => void): void {
    const { request, room, onTooSlow } = this.#parts;
    onTooSlow(() => {
      this.#parts.refused(new GatewayError("slow_sender"));
      this.stop("slow_sender");
    });
    const handle = (result: string | GatewayError) => {
      if (this.#over) return;
      this.#parts.handle(() =>
        this.#guard(() => {
          if (result instanceof GatewayError) throw result;
          done(result);
        }),
      );
    };
    this.#unread = readBody(request, maxBytes, room, handle, () => this.#welcome());
  }

  onClose(listener: (why: Code) => void): void {
    this.#closed = listener;
  }

  respond(answer: HttpAnswer): void {
    this.#send({ ...answer, headers: { "cache-control": "no-store", ...answer.headers } });
  }

  refuse(error: GatewayError): void {
    this.#send(this.#parts.refusal(error));
  }

  abort(): void {
    this.#over = true;
    this.#response.destroy();
  }

  stream({ status, headers }: Omit<HttpAnswer, "body">, drained: () => void): HttpBody {
    this.#drained = drained;
    this.#response.writeHead(status, { ...this.#parts.headers, ...headers });
    this.#response.flushHeaders();
    return this;
  }

  // ── as the body of a streamed answer ──────────────────────────────────────────────────────────────────────────────

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

  /** Hands the request to its face. */
  begin(face: HttpFace): void {
    this.#guard(() => face.handle(this));
  }

  /** Ends the exchange because of `why`: the face may say so first. */
  stop(why: Code): void {
    const { request } = this.#parts;
    this.#response.once("finish", () => request.socket.end());
    this.#leave(why);
    if (this.#response.writableEnded) return;
    if (this.#response.headersSent) this.#response.end();
    else {
      sendPage(
        request,
        this.#response,
        this.#parts.refusal(new GatewayError(why)),
        this.#parts.headers,
        this.#isHeldBack,
      );
      // Whatever of the request still comes.
      this.#response.end();
    }
  }

  /** Lets the body come. */
  #welcome(): void {
    if (!this.#isHeldBack) return;
    this.#isHeldBack = false;
    this.#response.writeContinue();
  }

  #send(page: Page): void {
    if (this.#over) return;
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

  /** What a face throws is the answer, or the end of one that began. Faults are reported; the process goes on. */
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

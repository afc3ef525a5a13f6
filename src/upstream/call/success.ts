import type { ByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { UpstreamSink } from "../../core/ports/upstream.ts";
import { jsonNesting } from "../body/json-nesting.ts";
import { type ResponseBody, WholeBody } from "../body/response-body.ts";
import { SseReader, type SseReceiver } from "../body/sse-reader.ts";
import { decode } from "../body/utf8.ts";
import type { SecretRedactor } from "../policy/secret-redactor.ts";
import type { Deadlines } from "./deadlines.ts";
import type { HeldBytes } from "./held-bytes.ts";

/** Where the body of a successful response goes, and its limits. */
export interface SuccessParts {
  readonly sink: UpstreamSink;
  readonly deadlines: Deadlines;
  readonly secrets: SecretRedactor;
  readonly held: HeldBytes;
  readonly maxEventBytes: number;
  /** Malformed UTF-8 fails the call instead of being replaced. */
  readonly strictUtf8: boolean;
  /** Called at the first event. */
  begun(): void;
  fail(error: GatewayError): void;
  /**
   * The body ended in order, though perhaps inside an event (`isCut`). `leftover` is text that stood in it without the form
   * of an event.
   */
  ended(isCut: boolean, leftover: string | undefined): void;
}

/** Passes the body of a successful response to the sink: an event stream, or one JSON value as its only event. */
export class SuccessBody implements ResponseBody, SseReceiver {
  readonly #parts: SuccessParts;
  readonly #events: SseReader | undefined;
  readonly #value: WholeBody | undefined;
  #bytes = 0;
  #hasByte = false;
  #hasEvent = false;
  #isLossy = false;
  #isClosed = false;

  constructor(form: "events" | "answer", parts: SuccessParts) {
    this.#parts = parts;
    if (form === "events") this.#events = new SseReader(parts.maxEventBytes, this);
    else this.#value = new WholeBody(parts.maxEventBytes, (bytes, whole) => this.#whole(bytes, whole));
  }

  data(bytes: ByteString): void {
    const { deadlines, held, sink } = this.#parts;
    deadlines.bytes();
    if (!this.#hasByte) {
      this.#hasByte = true;
      sink.firstByte();
    }
    if (this.#events) {
      this.#events.read(bytes);
      held.hold(this.#isClosed ? 0 : this.#events.heldBytes);
    } else {
      this.#bytes += bytes.length;
      held.hold(this.#bytes);
      this.#value?.data(bytes);
    }
  }

  end(): void {
    if (this.#value) this.#value.end();
    else if (this.#events) {
      const { isCut, leftover } = this.#events.end();
      this.#parts.ended(isCut, leftover);
    }
  }

  /** Stops passing events on and returns the memory held. */
  close(): void {
    this.#isClosed = true;
    this.#parts.held.hold(0);
  }

  event(name: ByteString | undefined, data: string, bytes: ByteString): void {
    if (this.#isClosed) return;
    const { sink, secrets, deadlines } = this.#parts;
    if (this.#hasEvent) deadlines.event();
    else {
      this.#hasEvent = true;
      this.#parts.begun();
    }
    // Secrets are ASCII, so searching the bytes also covers the text.
    if (secrets.areIn(bytes)) sink.event(name, secrets.mask(data), secrets.mask(bytes));
    else sink.event(name, data, bytes);
  }

  malformed(): void {
    if (this.#isClosed || this.#isLossy) return;
    this.#isLossy = true;
    const { sink, strictUtf8, fail } = this.#parts;
    if (strictUtf8) fail(new GatewayError("upstream_protocol", "the upstream sent malformed UTF-8"));
    else sink.lossy();
  }

  tooLarge(): void {
    this.#parts.fail(new GatewayError("event_too_large", undefined, { setting: "limits.eventBytes" }));
  }

  #whole(bytes: Buffer, isWhole: boolean): void {
    const decoded = isWhole ? decode(bytes) : undefined;
    if (!decoded) this.tooLarge();
    else if (jsonNesting(decoded.text) === "open") this.#parts.ended(true, undefined);
    else {
      if (!decoded.wellFormed) this.malformed();
      this.event(undefined, decoded.text, decoded.bytes);
      this.#parts.ended(false, undefined);
    }
  }
}

import type { ByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { Passage, PassageReader } from "../../core/pass/passage.ts";
import type { HttpBody, HttpExchange, Upload } from "../../core/ports/http-face.ts";
import type { PassedHead } from "../../core/ports/passage.ts";

/** A provider's page must not act in the name of the gateway's address. */
const HARMLESS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox",
};

const BODILESS = new Set([204, 304]);

/** The response to a request that is passed on: sent as it arrives, no faster than its client reads. */
export class PassedResponse implements PassageReader {
  readonly #exchange: HttpExchange;
  readonly #passage: Passage;
  #upload: Upload | undefined;
  #body: HttpBody | undefined;

  /** `open` begins the request; what it throws is thrown. */
  constructor(exchange: HttpExchange, open: (reader: PassageReader) => Passage) {
    this.#exchange = exchange;
    this.#passage = open(this);
    exchange.onClose((why) => {
      this.#passage.left(new GatewayError(why));
      // What ends too early must not look complete.
      if (this.#body) exchange.abort();
    });
  }

  /** Sends the request's body on as it comes. */
  upload(maxBytes: number): void {
    const passage = this.#passage;
    try {
      const upload = this.#exchange.upload(maxBytes, {
        part: (bytes) => {
          if (!passage.write(bytes)) upload.pause();
        },
        end: () => passage.endBody(),
        failed: (error) => {
          passage.left(error);
          this.failed(error);
        },
      });
      this.#upload = upload;
    } catch (error) {
      passage.left(error instanceof GatewayError ? error : new GatewayError("internal", undefined, { cause: error }));
      throw error;
    }
  }

  ready(): void {
    this.#upload?.resume();
  }

  responded({ status, requestId, headers: { "content-length": length, ...headers } }: PassedHead): void {
    this.#body = this.#exchange.stream(
      {
        status,
        headers: {
          ...headers,
          // A response without a body has no length either (RFC 9110, 8.6).
          ...(length !== undefined && !BODILESS.has(status) && { "content-length": length }),
          ...HARMLESS,
          "x-sluice-stream": this.#passage.id,
          ...(requestId !== undefined && { "x-sluice-upstream-request-id": requestId }),
        },
      },
      () => this.#passage.resume(),
    );
  }

  data(bytes: ByteString): void {
    const body = this.#body;
    body?.write(bytes);
    if (body && !body.writable) this.#passage.pause();
  }

  end(): void {
    this.#body?.end();
  }

  failed(error: GatewayError): void {
    if (this.#body) this.#exchange.abort();
    else this.#exchange.refuse(error, { "x-sluice-stream": this.#passage.id });
  }
}

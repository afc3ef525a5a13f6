import type { ByteString } from "../../core/kernel/byte-string.ts";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import type { PassThrough, PassThroughReader } from "../../core/pass-through/pass-through.ts";
import type { HttpBody, HttpExchange, Upload } from "../../core/ports/http-face.ts";
import type { PassThroughHead } from "../../core/ports/pass-through.ts";

/** A provider's page must not act in the name of the gateway's address. */
const HARMLESS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; sandbox",
};

const BODILESS = new Set([204, 304]);

/** The response to a pass-through request: sent as it arrives, no faster than its client reads. */
export class PassThroughResponse implements PassThroughReader {
  readonly #exchange: HttpExchange;
  readonly #passThrough: PassThrough;
  #upload: Upload | undefined;
  #body: HttpBody | undefined;

  /** `open` begins the request; what it throws is thrown. */
  constructor(exchange: HttpExchange, open: (reader: PassThroughReader) => PassThrough) {
    this.#exchange = exchange;
    this.#passThrough = open(this);
    exchange.onClose((why) => {
      this.#passThrough.left(new GatewayError(why));
      // What ends too early must not look complete.
      if (this.#body) exchange.abort();
    });
  }

  /** Sends the request's body on as it comes. */
  upload(maxBytes: number): void {
    const passThrough = this.#passThrough;
    try {
      const upload = this.#exchange.upload(maxBytes, {
        part: (bytes) => {
          if (!passThrough.write(bytes)) upload.pause();
        },
        end: () => passThrough.endBody(),
        failed: (error) => {
          passThrough.left(error);
          this.failed(error);
        },
      });
      this.#upload = upload;
    } catch (error) {
      passThrough.left(toGatewayError(error));
      throw error;
    }
  }

  ready(): void {
    this.#upload?.resume();
  }

  responded({ status, requestId, headers: { "content-length": length, ...headers } }: PassThroughHead): void {
    this.#body = this.#exchange.stream(
      {
        status,
        headers: {
          ...headers,
          // A response without a body has no length either (RFC 9110, 8.6).
          ...(length !== undefined && !BODILESS.has(status) && { "content-length": length }),
          ...HARMLESS,
          "x-sluice-stream": this.#passThrough.id,
          ...(requestId !== undefined && { "x-sluice-upstream-request-id": requestId }),
        },
      },
      () => this.#passThrough.resume(),
    );
  }

  data(bytes: ByteString): void {
    const body = this.#body;
    body?.write(bytes);
    if (body && !body.writable) this.#passThrough.pause();
  }

  end(): void {
    this.#body?.end();
  }

  failed(error: GatewayError): void {
    if (this.#body) this.#exchange.abort();
    else if (this.#passThrough.isRefused) this.#exchange.refuse(error, {}, true);
    else this.#exchange.refuse(error, { "x-sluice-stream": this.#passThrough.id });
  }
}

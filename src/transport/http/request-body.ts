import type { IncomingMessage } from "node:http";
import type { InboundReservation } from "../../core/caller/inbound-budget.ts";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import { GatheredBody } from "./gathered-body.ts";
import { encodingOf, unpack } from "./unpack.ts";

/** The limits that a body counts against while it arrives. */
export interface BodyRoom {
  /** Counts bytes received, or announced, of a body of at most `maxBytes`. Throws `rate_limited`. */
  came(bytes: number, maxBytes: number): void;
  /** Reserves memory, in bytes. Throws `overloaded`. */
  reserve(bytes: number): InboundReservation;
}

/** The initial buffer of a body without a content-length. */
const FIRST_BYTES = 16 * 1024;
/** Bodies from this size on are decoded and delivered in turns of their own: 1 MiB takes a millisecond. */
const LARGE_BYTES = 1024 * 1024;

/**
 * Reads and decompresses a request's body as UTF-8 text. `maxBytes` bounds both its received and its decompressed size,
 * whatever its content-length says.
 *
 * Calls `done` once, with the text or, as soon as it is known, with the error; never if the client leaves before. After an
 * error the rest is discarded as it arrives, because many clients read a response only after they have sent everything.
 * Calls `welcome` once the head has been accepted. Memory is reserved before it is used and released when `done` is called,
 * or by the function returned, which abandons the body.
 */
export function readBody(
  request: IncomingMessage,
  maxBytes: number,
  room: BodyRoom,
  done: (result: string | GatewayError) => void,
  welcome: () => void = () => {},
): () => void {
  let reservation: InboundReservation | undefined;
  let body: GatheredBody | undefined;
  let giveUp = () => {};
  const reserve = (bytes: number) => {
    if (reservation) reservation.growTo(bytes);
    else reservation = room.reserve(bytes);
  };
  const giveBack = () => {
    body = undefined;
    giveUp();
    reservation?.release();
  };
  const over = (result: string | GatewayError) => {
    giveBack();
    done(result);
  };
  const attempt = (work: () => void) => {
    try {
      work();
    } catch (error) {
      over(toGatewayError(error));
    }
  };
  const gather = (gathered: GatheredBody, bytes: Buffer, isCounted: boolean) => {
    if (gathered.bytes + bytes.length > maxBytes) throw tooLarge(maxBytes);
    if (!isCounted) room.came(bytes.length, maxBytes);
    gathered.add(bytes);
  };
  const finish = (bytes: Buffer) => {
    if (bytes.length < LARGE_BYTES) return over(decode(bytes));
    setImmediate(() => {
      const text = decode(bytes);
      setImmediate(() => over(text));
    });
  };
  const unpackAll = (packed: Buffer, encoding: string) => {
    const unpacked = new GatheredBody(Math.min(FIRST_BYTES, maxBytes), maxBytes, (bytes) =>
      reserve(packed.buffer.byteLength + bytes),
    );
    giveUp = unpack(packed, encoding, maxBytes, {
      piece: (bytes) => gather(unpacked, bytes, false),
      end: () => finish(unpacked.take()),
      failed: (error) => over(toGatewayError(error)),
    });
  };
  attempt(() => {
    const encoding = encodingOf(request);
    const announced = announcedBytes(request);
    if (announced !== undefined && announced > maxBytes) throw tooLarge(maxBytes);
    if (announced !== undefined) room.came(announced, maxBytes);
    body = new GatheredBody(announced ?? Math.min(FIRST_BYTES, maxBytes), maxBytes, reserve);
    welcome();
    request.on("data", (chunk: Buffer) => {
      attempt(() => {
        if (body) gather(body, chunk, announced !== undefined);
      });
    });
    request.on("end", () => {
      const bytes = body?.take();
      if (!bytes) return;
      if (encoding === undefined) finish(bytes);
      else attempt(() => unpackAll(bytes, encoding));
    });
  });
  // A flowing request without a data listener discards what arrives.
  request.resume();
  // A client that leaves midway is reported by the response's "close".
  request.on("error", () => {});
  return giveBack;
}

/** The content-length, 0 without a body; undefined for a chunked one. */
export function announcedBytes({ headers }: IncomingMessage): number | undefined {
  if (headers["transfer-encoding"] !== undefined) return undefined;
  return Number(headers["content-length"] ?? 0);
}

/** The refusal of a body above its limit. */
export const tooLarge = (maxBytes: number): GatewayError =>
  new GatewayError("frame_too_large", `the body is larger than ${maxBytes} bytes`, { details: { limit: maxBytes } });

function decode(bytes: Buffer): string | GatewayError {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new GatewayError("bad_request", "the body is not UTF-8");
  }
}

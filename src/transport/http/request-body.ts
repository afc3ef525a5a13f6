import type { IncomingMessage } from "node:http";
import type { InboundReservation } from "../../core/caller/inbound-budget.ts";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import { GatheredBody } from "./gathered-body.ts";
import { encodingOf, unpack } from "./unpack.ts";

/** What a body may take while it comes. */
export interface BodyRoom {
  /** So many bytes come, of a body that may have `maxBytes`. Throws `rate_limited`. */
  came(bytes: number, maxBytes: number): void;
  /** Sets bytes aside. Throws `overloaded`. */
  reserve(bytes: number): InboundReservation;
}

/** Where no length was announced the buffer begins with so much. */
const FIRST_BYTES = 16 * 1024;
/** From here on a body is decoded, and handed over, in a turn of the event loop of its own: 1 MiB takes a millisecond. */
const LARGE_BYTES = 1024 * 1024;

/**
 * Reads a request's body as UTF-8 text, unpacked, and counts while it comes, whatever length was promised. `maxBytes` bounds
 * it packed and unpacked. `done` is called once, with the text, or with what is wrong as soon as that is known; never when the
 * client leaves before. What comes after a fault is thrown away as it comes, because many clients hear an answer only when
 * they have sent all. `welcome` is called when nothing that is known before the body speaks against it. What the body takes
 * is reserved before it comes, and given back as `done` is called, for it counts where it goes to, or when the function that
 * is returned was called: nobody wants the body any more.
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
  // A flowing request without a listener throws away what comes.
  request.resume();
  // A client that leaves in the middle is no fault; the response's "close" tells of it.
  request.on("error", () => {});
  return giveBack;
}

/** Undefined where chunks come until there are no more. Without a length and without chunks there is no body. */
function announcedBytes({ headers }: IncomingMessage): number | undefined {
  if (headers["transfer-encoding"] !== undefined) return undefined;
  return Number(headers["content-length"] ?? 0);
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

import type { IncomingMessage } from "node:http";
import type { Transform } from "node:stream";
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from "node:zlib";
import { GatewayError } from "../../core/kernel/errors.ts";

/** A piece of what is unpacked: each is a turn of the event loop. */
const PIECE_BYTES = 64 * 1024;

/** Each frame of a body takes an unpacker of its own, and the smallest has nine bytes. Packers make one, or one a megabyte. */
const MAX_FRAMES = 64;

/** Clients may pack in windows of 8 MiB (RFC 9659). A frame of known size has a window as large as itself. */
const MIN_WINDOW_LOG = 23;

/** Some send what deflate makes without the two bytes in front that RFC 9110 wants (RFC 1950, 2.2: method 8, a multiple of 31). */
const hasZlibHead = (packed: Buffer): boolean =>
  packed.length >= 2 && packed.readUInt16BE(0) % 31 === 0 && (packed.readUInt8(0) & 0x0f) === 8;

interface Unpacker extends Transform {
  /** How much of what it was given it has unpacked. */
  readonly bytesWritten: number;
}

const UNPACKERS: Readonly<Record<string, (maxBytes: number, packed: Buffer) => Unpacker>> = {
  gzip: () => createGunzip({ chunkSize: PIECE_BYTES }),
  "x-gzip": () => createGunzip({ chunkSize: PIECE_BYTES }),
  deflate: (_, packed) => (hasZlibHead(packed) ? createInflate : createInflateRaw)({ chunkSize: PIECE_BYTES }),
  br: () => createBrotliDecompress({ chunkSize: PIECE_BYTES }),
  zstd: (maxBytes) =>
    createZstdDecompress({
      chunkSize: PIECE_BYTES,
      params: { [constants.ZSTD_d_windowLogMax]: Math.max(MIN_WINDOW_LOG, Math.ceil(Math.log2(maxBytes))) },
    }),
};

/**
 * How a request's body is packed (RFC 9110, 8.4); undefined when it is not. Throws `bad_request` for an encoding that is not
 * known, or more than one.
 */
export function encodingOf({ headers }: Pick<IncomingMessage, "headers">): string | undefined {
  const names = (headers["content-encoding"] ?? "").split(",").map((name) => name.trim().toLowerCase());
  const [encoding, ...more] = names.filter((name) => name !== "" && name !== "identity");
  if (encoding === undefined) return undefined;
  if (more.length === 0 && Object.hasOwn(UNPACKERS, encoding)) return encoding;
  throw new GatewayError("bad_request", `content-encoding is one of ${Object.keys(UNPACKERS).join(", ")}, once`);
}

/** Who is told of what a packed body holds. What a callback throws ends it, and comes as the failure. */
export interface Unpacked {
  /** The next piece, in order. */
  piece(bytes: Buffer): void;
  end(): void;
  failed(error: unknown): void;
}

/**
 * Unpacks a body of which all is there, in the thread pool and a piece a turn, so that a small body that unfolds to a
 * thousand times its length stops where its receiver throws. At most one of `end` and `failed` is called, never at once. Call
 * what it returns to give it up.
 */
export function unpack(
  packed: Buffer,
  encoding: string,
  maxBytes: number,
  receiver: Unpacked,
  framesLeft = MAX_FRAMES,
): () => void {
  const unpacker = UNPACKERS[encoding]?.(maxBytes, packed);
  if (!unpacker) throw new GatewayError("internal");
  let giveUp = (): void => {
    unpacker.destroy();
  };
  const fail = (error: unknown) => {
    unpacker.destroy();
    receiver.failed(error);
  };
  unpacker.on("data", (bytes: Buffer) => {
    try {
      receiver.piece(bytes);
    } catch (error) {
      fail(error);
    }
  });
  unpacker.on("end", () => {
    // Node's zstd ends with a frame, though more may follow (RFC 8878, 3.1).
    const rest = packed.subarray(unpacker.bytesWritten);
    if (rest.length === 0) receiver.end();
    else if (framesLeft > 1) giveUp = unpack(rest, encoding, maxBytes, receiver, framesLeft - 1);
    else receiver.failed(new GatewayError("bad_request", `the body is in more than ${MAX_FRAMES} frames`));
  });
  unpacker.on("error", () => fail(new GatewayError("bad_request", `the body is not what ${encoding} makes`)));
  unpacker.end(packed);
  return () => giveUp();
}

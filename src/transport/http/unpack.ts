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

/** Bytes decompressed in one turn of the event loop. */
const PIECE_BYTES = 64 * 1024;

/** Each frame needs a decompressor of its own, and the smallest frame has nine bytes. Real bodies have a few. */
const MAX_FRAMES = 64;

/** zstd's window as a power of two: 8 MiB (RFC 9659). A frame of known size may have a window as large as itself. */
const MIN_WINDOW_LOG = 23;

/** Whether `deflate` data has the zlib header that RFC 9110 requires (RFC 1950, 2.2); some clients omit it. */
const hasZlibHead = (packed: Buffer): boolean =>
  packed.length >= 2 && packed.readUInt16BE(0) % 31 === 0 && (packed.readUInt8(0) & 0x0f) === 8;

interface Unpacker extends Transform {
  /** Bytes of its input it has consumed. */
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
 * The content coding of a request's body (RFC 9110, 8.4); undefined for none. Throws `bad_request` for an unsupported one, or
 * for more than one.
 */
export function encodingOf({ headers }: Pick<IncomingMessage, "headers">): string | undefined {
  const names = (headers["content-encoding"] ?? "").split(",").map((name) => name.trim().toLowerCase());
  const [encoding, ...more] = names.filter((name) => name !== "" && name !== "identity");
  if (encoding === undefined) return undefined;
  if (more.length === 0 && Object.hasOwn(UNPACKERS, encoding)) return encoding;
  throw new GatewayError("bad_request", `content-encoding is one of ${Object.keys(UNPACKERS).join(", ")}, once`);
}

/** Receives a decompressed body. What `piece` throws ends it and is passed to `failed`. */
export interface Unpacked {
  /** The next piece. */
  piece(bytes: Buffer): void;
  end(): void;
  failed(error: unknown): void;
}

/**
 * Decompresses a complete body in the thread pool, one piece a turn, so that the receiver can stop a body that expands a
 * thousandfold. Calls either `end` or `failed`, never synchronously. Returns a function that cancels it.
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
    // Node's decompressor stops after one frame; RFC 8878, 3.1, allows several.
    const rest = packed.subarray(unpacker.bytesWritten);
    if (rest.length === 0) receiver.end();
    else if (framesLeft > 1) giveUp = unpack(rest, encoding, maxBytes, receiver, framesLeft - 1);
    else receiver.failed(new GatewayError("bad_request", `the body has more than ${MAX_FRAMES} frames`));
  });
  unpacker.on("error", () => fail(new GatewayError("bad_request", `the body is not valid ${encoding}`)));
  unpacker.end(packed);
  return () => giveUp();
}

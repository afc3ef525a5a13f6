import type { IncomingMessage } from "node:http";
import type { Transform } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { GatewayError } from "../../core/kernel/errors.ts";

/** A piece of what is unpacked: each is a turn of the event loop. */
const PIECE_BYTES = 64 * 1024;

/** Clients may pack in windows of 8 MiB (RFC 9659). A frame of known size has a window as large as itself. */
const MIN_WINDOW_LOG = 23;

const UNPACKERS: Readonly<Record<string, (maxBytes: number) => Transform>> = {
  gzip: () => createGunzip({ chunkSize: PIECE_BYTES }),
  "x-gzip": () => createGunzip({ chunkSize: PIECE_BYTES }),
  deflate: () => createInflate({ chunkSize: PIECE_BYTES }),
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
export function unpack(packed: Buffer, encoding: string, maxBytes: number, receiver: Unpacked): () => void {
  const unpacker = UNPACKERS[encoding]?.(maxBytes);
  if (!unpacker) throw new GatewayError("internal");
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
  unpacker.on("end", () => receiver.end());
  unpacker.on("error", () => fail(new GatewayError("bad_request", `the body is not what ${encoding} makes`)));
  unpacker.end(packed);
  return () => unpacker.destroy();
}

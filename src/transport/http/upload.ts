import type { IncomingMessage } from "node:http";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import type { Upload, UploadReceiver } from "../../core/ports/http-face.ts";
import { announcedBytes, type BodyRoom, tooLarge } from "./request-body.ts";
import { encodingOf } from "./unpack.ts";

/**
 * What a body on its way takes of the memory for requests, in bytes: what Node reads ahead of its reader, and what waits in
 * the upstream's socket, 64 KiB each and one read more.
 */
const UPLOAD_BYTES = 256 * 1024;

/** What an upload is read with. */
export interface UploadParts {
  readonly request: IncomingMessage;
  readonly room: BodyRoom;
  readonly maxBytes: number;
  readonly receiver: UploadReceiver;
  /** Sends `100 Continue` to a client that waits for it. */
  readonly welcome: () => void;
  /** Says whether the client is waited for; otherwise its silence is not its fault. */
  readonly awaits: (isAwaited: boolean) => void;
}

/** A running upload, and the function that abandons it. */
export interface RunningUpload extends Upload {
  abandon(): void;
}

/** Reads a request's body as it comes, paused at first. Throws what its headers are refused for; gives its memory back at its end. */
export function readUpload({ request, room, maxBytes, receiver, welcome, awaits }: UploadParts): RunningUpload {
  if (encodingOf(request) !== undefined)
    throw new GatewayError("bad_request", "this body goes to the provider as it is: send it uncompressed");
  const announced = announcedBytes(request);
  if (announced !== undefined && announced > maxBytes) throw tooLarge(maxBytes, "limits.passThrough.requestBytes");
  const reservation = room.reserve(UPLOAD_BYTES);
  let bytes = 0;
  let isOver = false;
  const abandon = () => {
    isOver = true;
    reservation.release();
    awaits(true);
  };
  const finish = (tell: () => void) => {
    if (isOver) return;
    abandon();
    tell();
  };
  request.pause();
  awaits(false);
  request.on("data", (part: Buffer) => {
    if (isOver) return;
    try {
      bytes += part.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes, "limits.passThrough.requestBytes");
      room.came(part.length, maxBytes);
      receiver.part(part);
    } catch (error) {
      finish(() => receiver.failed(toGatewayError(error)));
    }
  });
  request.on("end", () => finish(() => receiver.end()));
  // A client that leaves midway is reported by the response's "close".
  request.on("error", () => {});
  return {
    pause() {
      if (isOver) return;
      request.pause();
      awaits(false);
    },
    resume() {
      if (isOver) return;
      welcome();
      awaits(true);
      request.resume();
    },
    abandon,
  };
}

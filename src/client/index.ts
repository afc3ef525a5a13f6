/** The client of Sluice's stream face, for Node and browsers, without dependencies. docs/client.md describes it. */
import type { ConnectOptions } from "./options.ts";
import { Sluice } from "./sluice.ts";

/**
 * A client of the gateway at `url`. It connects when the first stream is opened; `close()` it when there are no more, or
 * its socket keeps a process alive. Throws SluiceError `bad_request` for options that cannot be, `unsupported` where there
 * is no WebSocket.
 */
export const connect = (options: ConnectOptions): Sluice => new Sluice(options);

export type { ConnectionState } from "./connection.ts";
export type { Source } from "./credentials.ts";
export type { AnthropicEvent, ChatChunk, Dialect, DialectData, GeminiChunk, ResponsesEvent } from "./dialects.ts";
export { textOf } from "./dialects.ts";
export type { Clock, SocketClass, SocketLike } from "./environment.ts";
export { SluiceError } from "./error.ts";
export type { ConnectOptions, OpenOptions, ReadOptions } from "./options.ts";
export type { SavedStream, StreamEvent, StreamState } from "./reading.ts";
export { Sluice } from "./sluice.ts";
export { SluiceStream } from "./stream.ts";
export type { Away, End, ErrorBody, Timing, Usage } from "./wire.ts";

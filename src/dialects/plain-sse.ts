import { type Decoder, type Dialect, NOTHING } from "../core/dialect/dialect.ts";
import { GatewayError } from "../core/kernel/errors.ts";

/** Nothing is understood, so nothing is remembered: one decoder serves every stream. */
const silent: Decoder = { read: () => NOTHING, cutShort: () => undefined };

/** Any endpoint that answers with server-sent events: relayed raw, whole when its body ends cleanly. */
export const plainSse: Dialect = {
  name: "plain-sse",
  endsAtEof: true,

  /** The base URL is the whole address. */
  address: (key) => ({ path: "", headers: key === undefined ? {} : { authorization: `Bearer ${key}` } }),

  /** As the caller wrote it; only a configured model is put in. */
  body: ({ body, model }) => (model === undefined ? body : { ...body, model }),

  conversation: () => {
    throw new GatewayError("unsupported", "a plain SSE route takes raw requests only: it has no chat form");
  },

  outputLimit: () => undefined,
  limited: (body) => body,

  decoder: () => silent,
};

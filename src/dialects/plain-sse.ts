import { type Decoder, type Dialect, NOTHING } from "../core/dialect/dialect.ts";
import { GatewayError } from "../core/kernel/errors.ts";

/** Stateless, so one decoder serves every stream. */
const silent: Decoder = { read: () => NOTHING, cutShort: () => undefined };

/** Any endpoint that answers with server-sent events. They are relayed undecoded; a clean end of the body completes the stream. */
export const plainSse: Dialect = {
  name: "plain-sse",
  endsAtEof: true,

  /** The base URL is the complete address. */
  address: (key) => ({ path: "", headers: key === undefined ? {} : { authorization: `Bearer ${key}` } }),

  /** The caller's body; only a configured model is set. */
  body: ({ body, model }) => (model === undefined ? body : { ...body, model }),

  conversation: () => {
    throw new GatewayError("unsupported", "a plain SSE route accepts raw requests only: it has no chat form");
  },

  outputLimit: () => undefined,
  limited: (body) => body,

  decoder: () => silent,
};

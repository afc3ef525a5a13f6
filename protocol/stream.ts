/**
 * The frames of the stream face, subprotocol `sluice.v1` on `/v1/stream`. See README.md beside this file for the
 * conversations. What clients send is closed (unknown fields are an error); what the gateway sends may grow fields.
 */
import * as z from "zod";
import { CODES, type Code } from "./codes.ts";
import { DIALECTS } from "./dialects.ts";

export const STREAM_SUBPROTOCOL = "sluice.v1";
export const STREAM_PATH = "/v1/stream";

/** A client's name for a stream. */
export const STREAM_ID = /^[A-Za-z0-9_.:-]{1,64}$/;
export const MAX_NAME_LENGTH = 128;

const streamId = z
  .string()
  .regex(STREAM_ID, "1 to 64 of A-Z a-z 0-9 _ . : -")
  .describe("the client's own name for the stream, unique among its open streams on this connection");
const name = z.string().min(1).max(MAX_NAME_LENGTH);
const milliseconds = z.number().nonnegative();

const dialectName = z.enum(DIALECTS);
const providerBody = z.record(z.string(), z.unknown());

const flow = z
  .enum(["ack", "none"])
  .optional()
  .describe("ack (default): the client acknowledges and has a window; none: only the socket holds the stream back");
const batch = z.boolean().optional().describe("true: several events may come in one frame, unchanged");
const sequence = z.int().nonnegative();

export const OpenFrame = z
  .strictObject({
    type: z.literal("open"),
    id: streamId,
    model: name.optional().describe("a model alias; chooses route and upstream model"),
    route: name.optional().describe("a route; body.model is then the upstream's own model id"),
    body: providerBody.optional().describe("the provider's own request body"),
    dialect: z
      .literal("any")
      .optional()
      .describe("any: the client reads the events of every dialect it has a body for, and is told which one answers"),
    bodies: z
      .partialRecord(dialectName, providerBody)
      .optional()
      .describe("instead of body, with dialect any: the same request for each dialect"),
    upstreamKey: z
      .string()
      .regex(/^[\x21-\x7e]{1,512}$/, "1 to 512 visible ASCII characters")
      .optional()
      .describe("the caller's own key for the upstream, if its gateway key lets it bring one; held in memory only"),
    retry: z.boolean().optional().describe("false: the upstream is called once, whatever it answers; default true"),
    idempotencyKey: name.optional().describe("a re-sent open with the same key never starts a second upstream call"),
    flow,
    batch,
    away: z
      .enum(["continue", "finish", "cancel"])
      .optional()
      .describe(
        "while nobody reads: continue (default) up to a full log and the grace time, finish to the end, or cancel",
      ),
  })
  .refine((frame) => (frame.model === undefined) !== (frame.route === undefined), "give either model or route")
  .refine((frame) => (frame.body === undefined) !== (frame.bodies === undefined), "give either body or bodies")
  .refine((frame) => frame.bodies === undefined || frame.dialect === "any", 'give bodies with dialect "any"');

export const CancelFrame = z
  .strictObject({
    type: z.literal("cancel"),
    id: streamId.optional(),
    stream: name.optional().describe("the gateway's name, for a stream that is not open on this connection"),
  })
  .refine((frame) => (frame.id === undefined) !== (frame.stream === undefined), "give either id or stream");

export const AckFrame = z.strictObject({
  type: z.literal("ack"),
  received: sequence.optional().describe("messages received on this socket so far, all kinds"),
  streams: z.record(streamId, sequence).optional().describe("per stream, the seq up to which all events are handled"),
});

export const ResumeFrame = z.strictObject({
  type: z.literal("resume"),
  id: streamId,
  stream: name.describe("the gateway's name for the stream, from opened"),
  epoch: z.int().positive(),
  after: sequence.describe("the last seq handled; 0 for everything"),
  flow,
  batch,
});

export const ClientFrame = z.discriminatedUnion("type", [OpenFrame, CancelFrame, AckFrame, ResumeFrame]);

const code = z.enum(Object.keys(CODES) as [Code, ...Code[]]);
export const ErrorBody = z.object({
  code,
  message: z.string(),
  retryable: z.boolean(),
  retryAfterMs: milliseconds.optional(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

export const Usage = z.object({
  source: z.enum(["exact", "estimated", "unknown"]).describe("unknown has no figures, never zeros"),
  inputTokens: z.int().nonnegative().optional().describe("all input, cached parts included"),
  outputTokens: z.int().nonnegative().optional().describe("all output, reasoning included"),
  cacheReadTokens: z.int().nonnegative().optional(),
  cacheWriteTokens: z.int().nonnegative().optional(),
  reasoningTokens: z.int().nonnegative().optional(),
});

export const Timing = z.object({
  firstByteMs: milliseconds.optional().describe("open received → first byte of the upstream's body"),
  firstContentMs: milliseconds.optional().describe("open received → first text, thinking or tool call parsed"),
  firstSentMs: milliseconds.optional().describe("open received → first content handed to the socket"),
  totalMs: milliseconds,
});

export const HelloFrame = z.object({
  type: z.literal("hello"),
  protocol: z.literal(STREAM_SUBPROTOCOL),
  connection: z.string(),
  limits: z.object({
    streams: z.int(),
    frameBytes: z.int(),
    windowBytes: z.int().describe("of one stream, sent and not acknowledged as handled"),
    windowEvents: z.int(),
    inFlightBytes: z.int().describe("of this socket, sent and not acknowledged as received"),
  }),
});

export const OpenedFrame = z.object({
  type: z.literal("opened"),
  id: streamId,
  stream: z.string().describe("the gateway's name for the stream"),
  epoch: z.int().positive(),
  route: z.string(),
  model: z.string().optional(),
  attached: z.literal(true).optional().describe("the idempotency key was known: this is the earlier stream"),
});

export const ResumedFrame = z.object({
  type: z.literal("resumed"),
  id: streamId,
  stream: z.string(),
  epoch: z.int().positive(),
  after: sequence.describe("the events that follow begin behind it"),
  previous: code.optional().describe("why the last connection stopped reading this stream"),
});

const event = z.object({
  seq: z.int().positive().describe("contiguous from 1 in a stream"),
  event: z.string().optional().describe("the upstream's event name, when it sent one"),
  data: z.unknown().describe("the upstream's data, as it came"),
  raw: z.literal(true).optional().describe("the data was not JSON (or too deep) and is carried as a string"),
});

const told = dialectName
  .optional()
  .describe(
    "of the stream's events: in the first frame of events on each connection, for streams opened with dialect any",
  );

export const EventFrame = event.extend({ type: z.literal("event"), id: streamId, dialect: told });

export const EventsFrame = z.object({
  type: z.literal("events"),
  id: streamId,
  dialect: told,
  events: z.array(event).min(1).describe("in order; only for streams opened with batch"),
});

export const DetachedFrame = z.object({
  type: z.literal("detached"),
  id: streamId,
  code,
});

export const GoingAwayFrame = z.object({
  type: z.literal("going_away"),
  afterMs: milliseconds.describe("come back to another gateway, or to this one, after so long"),
});

export const TickFrame = z.object({ type: z.literal("tick"), ts: z.int().describe("wall clock, milliseconds") });

const target = z
  .object({
    attempt: z.int().positive().describe("how many targets were tried"),
    route: z.string(),
    model: z.string().optional().describe("the provider's own name of the model"),
  })
  .describe("which target answered, or failed last; only for a model or route with several");

export const EndFrame = z.object({
  type: z.literal("end"),
  id: streamId,
  lastSeq: z.int().nonnegative(),
  status: z.enum(["completed", "failed", "cancelled"]),
  finish: z.string().optional().describe("the provider's own finish or stop reason"),
  error: ErrorBody.optional(),
  usage: Usage,
  timing: Timing,
  target: target.optional(),
  lossy: z.literal(true).optional().describe("the upstream sent malformed UTF-8, replaced by U+FFFD"),
  unreadEvents: z
    .int()
    .positive()
    .optional()
    .describe("events whose data was no JSON object that could be read: text of the answer may be missing"),
});

export const ErrorFrame = z.object({ type: z.literal("error"), id: z.string().optional(), error: ErrorBody });

export const ServerFrame = z.discriminatedUnion("type", [
  HelloFrame,
  OpenedFrame,
  ResumedFrame,
  EventFrame,
  EventsFrame,
  EndFrame,
  DetachedFrame,
  ErrorFrame,
  GoingAwayFrame,
  TickFrame,
]);

export type ClientFrame = z.infer<typeof ClientFrame>;
export type OpenFrame = z.infer<typeof OpenFrame>;
export type AckFrame = z.infer<typeof AckFrame>;
export type ResumeFrame = z.infer<typeof ResumeFrame>;
export type CancelFrame = z.infer<typeof CancelFrame>;
export type ServerFrame = z.infer<typeof ServerFrame>;
export type ErrorBody = z.infer<typeof ErrorBody>;
export type Usage = z.infer<typeof Usage>;
export type Timing = z.infer<typeof Timing>;

import { getHeapStatistics } from "node:v8";
import { OPENCLAW_ATTACHMENTS } from "../../protocol/openclaw/wire.ts";
import type { CallerLoad } from "../core/caller/caller-load.ts";
import { InboundBudget } from "../core/caller/inbound-budget.ts";
import type { Clock } from "../core/kernel/clock.ts";
import type { TranscriptMemory } from "../faces/openclaw/sessions/content-bytes.ts";
import { Inbound } from "../transport/admit/inbound.ts";
import type { Limits } from "./limits.ts";

/** One caller's share of the budget: one that fills it leaves as much for all others. */
const SHARE_OF_ONE = 1 / 2;
/** The additional budget of unauthenticated clients. */
const SHARE_OF_STRANGERS = 1 / 8;

/** What a message counts besides its bytes, in the fragments that browsers and libraries send. */
const MESSAGE_BYTES = 1024 * 1024;

/** The limits on what clients send, and their budgets. */
export interface InboundConnections {
  readonly inbound: Inbound;
  readonly budgets: { readonly callers: InboundBudget; readonly strangers: InboundBudget };
}

/** Sets up the budgets for unfinished frames and bodies, of callers and of unauthenticated clients. */
export function connectInbound(limits: Limits, clock: Clock, load: CallerLoad): InboundConnections {
  const bytes = Math.floor(limits.inboundBytes || getHeapStatistics().heap_size_limit / 8);
  // An idle gateway accepts the largest allowed message on any machine.
  const largest = Math.max(limits.openclawFrameBytes, limits.apiBodyBytes, limits.streamFrameBytes) + MESSAGE_BYTES;
  const callers = budget(bytes, SHARE_OF_ONE, largest);
  const strangers = budget(bytes * SHARE_OF_STRANGERS, SHARE_OF_ONE, limits.handshakeFrameBytes + MESSAGE_BYTES);
  return { inbound: new Inbound({ callers, strangers, limits, clock, load }), budgets: { callers, strangers } };
}

const budget = (bytes: number, shareOfOne: number, largest: number): InboundBudget =>
  new InboundBudget(
    { maxBytes: Math.max(bytes, largest), maxBytesEach: Math.max(bytes * shareOfOne, largest) },
    "requests",
    "limits.inboundBytes",
  );

/** Memory for files on their way to clients: an eighth of the heap, half of it for one caller. The largest always fits. */
export function outboundFiles(): InboundBudget {
  const bytes = Math.floor(getHeapStatistics().heap_size_limit / 8);
  const largest = OPENCLAW_ATTACHMENTS.maxBytes;
  const limits = { maxBytes: Math.max(bytes, largest), maxBytesEach: Math.max(bytes * SHARE_OF_ONE, largest) };
  return new InboundBudget(limits, "downloads");
}

/** Memory for conversations not in use, on large machines: about three hundred of usual length. */
const KEPT_TRANSCRIPTS_BYTES = 32 * 1024 * 1024;

/**
 * The memory of transcripts: up to an eighth of the heap for those in use, and a small part of that for the others,
 * because reading one again takes milliseconds. The largest allowed message always fits.
 */
export function transcriptMemory(limits: Limits): TranscriptMemory {
  const heapBytes = getHeapStatistics().heap_size_limit;
  return {
    keptBytes: Math.max(Math.min(heapBytes / 16, KEPT_TRANSCRIPTS_BYTES), limits.openclawFrameBytes),
    maxBytes: Math.max(Math.floor(heapBytes / 8), limits.openclawFrameBytes * 2),
  };
}

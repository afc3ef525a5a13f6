import { getHeapStatistics } from "node:v8";
import type { CallerLoad } from "../core/caller/caller-load.ts";
import { InboundBudget } from "../core/caller/inbound-budget.ts";
import type { Clock } from "../core/kernel/clock.ts";
import type { TranscriptMemory } from "../faces/openclaw/sessions/content-bytes.ts";
import { Inbound } from "../transport/admit/inbound.ts";
import type { Limits } from "./limits.ts";

/** What one caller may have of it: one that fills its part leaves as much for all others. */
const SHARE_OF_ONE = 1 / 2;
/** What clients may have besides that have not shown who they are. */
const SHARE_OF_STRANGERS = 1 / 8;

/** What a message counts beside its bytes when it comes in the fragments that browsers and libraries make. */
const MESSAGE_BYTES = 1024 * 1024;

export interface InboundConnections {
  readonly inbound: Inbound;
  readonly budgets: { readonly callers: InboundBudget; readonly strangers: InboundBudget };
}

/** What clients may have on its way in: of callers, and of those that have not authenticated. */
export function connectInbound(limits: Limits, clock: Clock, load: CallerLoad): InboundConnections {
  const bytes = Math.floor(limits.inboundBytes || getHeapStatistics().heap_size_limit / 8);
  // With nothing else on its way, the largest message there may be is let in on any machine.
  const largest = Math.max(limits.openclawFrameBytes, limits.apiBodyBytes, limits.streamFrameBytes) + MESSAGE_BYTES;
  const callers = budget(bytes, SHARE_OF_ONE, largest);
  const strangers = budget(bytes * SHARE_OF_STRANGERS, SHARE_OF_ONE, limits.handshakeFrameBytes + MESSAGE_BYTES);
  return { inbound: new Inbound({ callers, strangers, limits, clock, load }), budgets: { callers, strangers } };
}

const budget = (bytes: number, shareOfOne: number, largest: number): InboundBudget =>
  new InboundBudget({ maxBytes: Math.max(bytes, largest), maxBytesEach: Math.max(bytes * shareOfOne, largest) });

/** What is kept of conversations that nobody needs now, on large machines: some three hundred of usual length. */
const KEPT_TRANSCRIPTS_BYTES = 32 * 1024 * 1024;

/**
 * What transcripts may take in memory: up to an eighth of what the process may use while they are needed, and a small part
 * of that when they are not, because reading one again costs some milliseconds. The largest message there may be fits.
 */
export function transcriptMemory(limits: Limits): TranscriptMemory {
  const heapBytes = getHeapStatistics().heap_size_limit;
  return {
    keptBytes: Math.max(Math.min(heapBytes / 16, KEPT_TRANSCRIPTS_BYTES), limits.openclawFrameBytes),
    maxBytes: Math.max(Math.floor(heapBytes / 8), limits.openclawFrameBytes * 2),
  };
}

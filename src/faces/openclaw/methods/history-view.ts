import { GatewayError } from "../../../core/kernel/errors.ts";
import type { ClientSession } from "../clients/client-session.ts";
import type { QueuedMessage } from "../runs/run-queue.ts";
import { cursorOf, messagesAfter } from "../sessions/delta-cursor.ts";
import { DEFAULT_LIMIT, type PageRequest, page } from "../sessions/history.ts";
import { modelFields } from "../sessions/model-catalog.ts";
import type { Session } from "../sessions/session.ts";
import { messageEnvelope } from "../sessions/session-news.ts";
import { pendingId } from "../sessions/stored-file.ts";
import { wireMessage } from "../sessions/transcript-view.ts";
import { rowOf, type Services } from "./services.ts";

/** Which part of a history a client asks for. */
export interface HistoryRequest extends PageRequest {
  /** Asks for what came after it. */
  readonly cursor?: string | undefined;
  /** Messages that the client is not sure it sent. */
  readonly inputRunIds?: readonly string[] | undefined;
  /** Asks for the page around this message, which a search found. */
  readonly messageId?: string | undefined;
  /** The id of the conversation that it was found in. */
  readonly sessionId?: string | undefined;
}

/**
 * The result of `chat.history` and `chat.startup` for one client: a page, or with a cursor what came after it. It names the
 * leaf, by which clients say what they saw when they send.
 */
export function historyOf(
  services: Services,
  key: string,
  session: Session | undefined,
  request: HistoryRequest,
  client: ClientSession,
) {
  const { cursor, inputRunIds } = request;
  const messages = session?.messages ?? [];
  const waiting = services.runs.waiting(key);
  const receipts = receiptsOf(inputRunIds ?? [], session?.branches.all ?? [], waiting);
  const isReceiptQuestion = asksOnlyForReceipts(request, receipts);
  checkAnchor(session, request);
  const part = isReceiptQuestion ? pageOfReceipts(messages, receipts) : pageAround(messages, request);
  const isNewest = cursor !== undefined || (part.offset ?? 0) === 0;
  const run = isReceiptQuestion ? undefined : services.runs.active(key);
  const present = {
    ...(session && isNewest && { deltaCursor: cursorOf(session) }),
    pendingInputs: { items: waiting.map(pendingInput), total: waiting.length },
    ...(inputRunIds && { inputReceipts: receipts, inputConsumptions: receipts.flatMap(consumptionOf) }),
    sessionInfo: { ...rowOf(services, key, session), activeLeafEntryId: messages.at(-1)?.id ?? null },
    // The text that this client's next delta continues: a reload neither loses nor repeats a word.
    ...(run && {
      inFlightRun: { runId: run.id, text: run.textSeenBy(client), startedAt: run.startedAt, sessionAbortable: true },
    }),
  };
  if (cursor !== undefined) {
    const after = session && messagesAfter(session, cursor, request.maxBytes);
    if (!after) return { kind: "reset" };
    return { kind: "delta", messages: after.map((message) => messageEnvelope(key, message)), ...present };
  }
  const thinkingLevel = session?.text("thinkingLevel");
  return {
    sessionKey: key,
    ...(session && { sessionId: session.record.sessionId }),
    ...page(messages, part),
    defaults: modelFields(services.catalog.default),
    ...(thinkingLevel !== undefined && { thinkingLevel }),
    ...present,
  };
}

/** The state of a message that a client is not sure it sent. */
interface Receipt {
  readonly runId: string;
  readonly state: "pending" | "consumed";
  /** The id of the message in the transcript. */
  readonly consumedByEventId?: string;
}

/** Ids that never arrived are left out. */
function receiptsOf(
  runIds: readonly string[],
  messages: Session["messages"],
  waiting: readonly QueuedMessage[],
): readonly Receipt[] {
  return runIds.flatMap((runId): Receipt[] => {
    if (waiting.some(({ request }) => request.runId === runId)) return [{ runId, state: "pending" }];
    const question = messages.findLast((message) => message.runId === runId && message.role === "user");
    return question ? [{ runId, state: "consumed", consumedByEventId: question.id }] : [];
  });
}

const consumptionOf = ({ runId, consumedByEventId }: Receipt) =>
  consumedByEventId === undefined ? [] : [{ runId, consumedByEventId }];

/**
 * Whether the answer is in the receipts: who asks after messages it sent and names no size looks for these alone. The
 * Control UI does so in each turn, for 1,000 messages.
 */
const asksOnlyForReceipts = (
  { inputRunIds, maxBytes, cursor }: HistoryRequest,
  receipts: readonly Receipt[],
): boolean =>
  maxBytes === undefined && cursor === undefined && receipts.length > 0 && receipts.length === inputRunIds?.length;

/** The page from the oldest to the newest message that has a receipt; the newest of all if none has. */
function pageOfReceipts(messages: Session["messages"], receipts: readonly Receipt[]): PageRequest {
  const ids = new Set(receipts.map(({ consumedByEventId }) => consumedByEventId));
  const oldest = messages.findIndex(({ id }) => ids.has(id));
  const newest = messages.findLastIndex(({ id }) => ids.has(id));
  return oldest < 0 ? { limit: 1 } : { limit: newest - oldest + 1, offset: messages.length - 1 - newest };
}

/** Throws `bad_request`, in the real gateway's words, for a message that is asked for in two ways or not in this session. */
function checkAnchor(session: Session | undefined, { messageId, sessionId, offset, cursor }: HistoryRequest): void {
  const wrong = (message: string) => new GatewayError("bad_request", message);
  if (offset !== undefined && messageId !== undefined) throw wrong("offset and messageId cannot be used together");
  if (cursor !== undefined && (offset !== undefined || messageId !== undefined)) {
    throw wrong("cursor cannot be used with offset or messageId");
  }
  if (sessionId === undefined) return;
  if (messageId === undefined) throw wrong("sessionId requires messageId");
  if (sessionId !== session?.record.sessionId) throw wrong("sessionId does not belong to sessionKey");
}

/** The page that has the named message in its middle; an empty one if there is no such message. */
function pageAround(messages: Session["messages"], request: HistoryRequest): PageRequest {
  const { messageId, limit = DEFAULT_LIMIT } = request;
  if (messageId === undefined) return request;
  const at = messages.findIndex(({ id }) => id === messageId);
  if (at < 0) return { limit: 0, offset: messages.length };
  const newest = Math.min(messages.length - 1, at + Math.floor((limit - 1) / 2));
  return { ...request, offset: messages.length - 1 - newest };
}

function pendingInput({ request, acceptedAt }: QueuedMessage) {
  const { runId, content } = request;
  const id = pendingId(runId);
  const message = wireMessage({ id, seq: 0, role: "user", content, timestamp: acceptedAt, runId });
  return { id, runId, message, acceptedAt, state: "queued" };
}

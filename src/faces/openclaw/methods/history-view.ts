import type { ClientSession } from "../clients/client-session.ts";
import type { QueuedMessage } from "../runs/run-queue.ts";
import { type PageRequest, page } from "../sessions/history.ts";
import { modelFields } from "../sessions/model-catalog.ts";
import type { Session } from "../sessions/session-store.ts";
import { wireMessage } from "../sessions/transcript-view.ts";
import { rowOf, type Services } from "./services.ts";

/**
 * The result of `chat.history` and `chat.startup` for one client, which names the leaf when it sends. Without a
 * `deltaCursor`, clients ask for full pages.
 */
export function historyOf(
  services: Services,
  key: string,
  session: Session | undefined,
  request: PageRequest & { readonly inputRunIds?: readonly string[] | undefined },
  client: ClientSession,
) {
  const waiting = services.runs.waiting(key);
  const run = services.runs.active(key);
  const thinkingLevel = session?.text("thinkingLevel");
  return {
    sessionKey: key,
    ...(session && { sessionId: session.record.sessionId }),
    ...page(session?.messages ?? [], request),
    pendingInputs: { items: waiting.map(pendingInput), total: waiting.length },
    ...(request.inputRunIds && { inputReceipts: inputReceiptsOf(request.inputRunIds, session, waiting) }),
    defaults: modelFields(services.catalog.default),
    sessionInfo: { ...rowOf(services, key, session), activeLeafEntryId: session?.messages.at(-1)?.id ?? null },
    ...(thinkingLevel !== undefined && { thinkingLevel }),
    // The text that this client's next delta continues: a reload neither loses nor repeats a word.
    ...(run && {
      inFlightRun: { runId: run.id, text: run.textSeenBy(client), startedAt: run.startedAt, sessionAbortable: true },
    }),
  };
}

function pendingInput({ request, acceptedAt }: QueuedMessage) {
  const { runId, content } = request;
  const id = `pending:${runId}`;
  const message = wireMessage({ id, seq: 0, role: "user", content, timestamp: acceptedAt, runId });
  return { id, runId, message, acceptedAt, state: "queued" };
}

/** The state of messages that a client is not sure it sent; ids that never arrived are left out. */
function inputReceiptsOf(runIds: readonly string[], session: Session | undefined, waiting: readonly QueuedMessage[]) {
  return runIds.flatMap((runId) => {
    if (waiting.some(({ request }) => request.runId === runId)) return [{ runId, state: "pending" }];
    const question = session?.branches.all.find((message) => message.runId === runId && message.role === "user");
    return question ? [{ runId, state: "consumed", consumedByEventId: question.id }] : [];
  });
}

import type { Attachment } from "../../../../protocol/openclaw/chat-params.ts";
import { SCOPES } from "../../../../protocol/openclaw/wire.ts";
import type { Model } from "../../../core/dialect/routing.ts";
import { GatewayError, toGatewayError } from "../../../core/kernel/errors.ts";
import type { TranscriptPart } from "../../../core/ports/transcripts.ts";
import { type ClientSession, eventHead } from "../clients/client-session.ts";
import { chatFailure, toErrorShape } from "../clients/errors.ts";
import { readAttachments } from "../files/attachments.ts";
import type { RunRecord } from "../runs/run-records.ts";
import { AGENT_ID } from "../sessions/session-key.ts";
import { modelOf } from "../sessions/session-row.ts";
import { checkLeaf, type ExpectedLeaf } from "./branches/expected-leaf.ts";
import type { Call } from "./call.ts";
import { runCommand } from "./commands/run-command.ts";
import type { Services } from "./services.ts";

/** A message from one of the sending methods. */
export interface Submission extends ExpectedLeaf {
  readonly key: string;
  /** The client's idempotency key. */
  readonly runId: string;
  readonly message: string;
  readonly attachments?: readonly Attachment[] | undefined;
  /** A message for the model, even if it begins with a `/word`. */
  readonly isText?: boolean | undefined;
  readonly thinking?: string | undefined;
  readonly model?: Model | undefined;
  readonly system?: string | undefined;
  readonly timeoutMs?: number | undefined;
  /** Overrides the session's. `interrupt` stops the active run; in all other modes the message waits for its turn. */
  readonly queueMode?: string | undefined;
  readonly agentCaller?: ClientSession | undefined;
}

/**
 * Answers a command, or accepts a message, lets `acknowledge` respond, and only then starts the run, so that the acknowledgement is the first
 * thing a client receives of it. A repeated key starts nothing; `repeated` responds with the state of its run.
 */
export async function submit(
  services: Services,
  call: Call,
  submission: Submission,
  acknowledge: (record: RunRecord) => void,
  repeated: (record: RunRecord) => void = (record) => repeat(record, call),
): Promise<void> {
  const { key, runId, message, attachments = [], isText } = submission;
  const asked = { key, runId, message, attachments: attachments.length };
  if (!isText && (await runCommand(services, call, asked, acknowledge, repeated))) return;
  const content = checked(submission, services, call);
  if (!content) return;
  const { caller, upstreamKey, id: connection } = call.client;
  await services.sessions.open(key);
  const known = services.sessions.get(key);
  const admit = () => {
    checkLeaf(known, submission);
    services.admit(caller);
  };
  // Before the new session is stored.
  if (!known) admit();
  const session = known ?? services.sessions.create(key);
  const sent = { ...submission, session, content, caller, upstreamKey, connection, receivedAt: call.receivedAt };
  const { record, fresh } = services.runs.accept({ ...sent, isAdmitted: true }, () => {
    if (known) admit();
  });
  if (!fresh) {
    repeated(record);
    return;
  }
  acknowledge(record);
  const queueMode = submission.queueMode ?? session.text("queueMode");
  if (queueMode === "interrupt") services.runs.interrupt(session.key);
  services.runs.pump(session.key);
  if (services.runs.isWaiting(session.key, runId)) services.news.waits(session.key, runId, call.client);
}

/**
 * The message's content; undefined if it was refused. The Control UI hides the reason of a refused request in a tooltip, so
 * its sender gets it as an event too, which the page shows as a card.
 */
function checked(submission: Submission, services: Services, call: Call): readonly TranscriptPart[] | undefined {
  try {
    return contentOf(submission);
  } catch (thrown) {
    const error = toGatewayError(thrown);
    call.refuse(toErrorShape(error));
    if (!submission.attachments?.length || !call.client.may(SCOPES.read)) return undefined;
    const { key: sessionKey, runId } = submission;
    const failure = chatFailure(error, modelOf(services.sessions.get(sessionKey), services.catalog));
    call.client.event(eventHead("chat", { runId, sessionKey, agentId: AGENT_ID, seq: 0, state: "error", ...failure }));
    return undefined;
  }
}

/** The acknowledgement of `chat.send`. */
export const started = (record: RunRecord) => ({ runId: record.runId, status: "started" });

function contentOf({ message, attachments }: Submission): readonly TranscriptPart[] {
  const files = readAttachments(attachments);
  if (message.trim() === "" && files.length === 0) {
    throw new GatewayError("bad_request", "message or attachment required");
  }
  return [...(message.trim() === "" ? [] : [{ type: "text", text: message } as const]), ...files];
}

/** Responds to a repeated idempotency key. */
export function repeat(record: RunRecord, call: Call): void {
  const { runId, outcome } = record;
  if (!outcome) call.reply({ runId, status: "in_flight" });
  else if (outcome.status === "ok") call.reply({ runId, status: "ok" });
  else if (outcome.status === "aborted") {
    const { stopReason, endedAt } = outcome;
    call.reply({ runId, status: "timeout", summary: "aborted", stopReason, endedAt });
  } else {
    call.refuse(toErrorShape(outcome.error), { runId, status: "error", summary: outcome.error.message });
  }
}

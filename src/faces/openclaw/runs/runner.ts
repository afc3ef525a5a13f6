import type { Caller } from "../../../core/caller/caller.ts";
import type { Part } from "../../../core/dialect/dialect.ts";
import type { Model } from "../../../core/dialect/routing.ts";
import { GatewayError, toGatewayError } from "../../../core/kernel/errors.ts";
import type { TranscriptMessage } from "../../../core/ports/transcripts.ts";
import { eventHead } from "../clients/client-session.ts";
import type { Clients } from "../clients/clients.ts";
import { show } from "../sessions/history.ts";
import type { Session } from "../sessions/session.ts";
import { AGENT_ID } from "../sessions/session-key.ts";
import { SETTLED, type SessionNews } from "../sessions/session-news.ts";
import type { SessionStore } from "../sessions/session-store.ts";
import { traceOfAnswer, traceOfQuestion } from "../sessions/traces.ts";
import { COMMAND_MODEL } from "./conversation.ts";
import { type OpenParts, openRun } from "./open-run.ts";
import { PartialAnswers } from "./partial-answers.ts";
import { Run, type RunEnd } from "./run.ts";
import { ABORTED_BY_CLIENT, endingOf, type RunEnding } from "./run-ending.ts";
import { type RunIdentity, textMessage } from "./run-frames.ts";
import type { RunRecord } from "./run-records.ts";
import type { RunRequest } from "./run-request.ts";

/** What a run needs: the relay, the sessions and the clients that watch it. */
export interface RunnerParts extends OpenParts {
  readonly sessions: SessionStore;
  readonly clients: Clients;
  readonly news: SessionNews;
  /** Reports a fault of ours. */
  readonly fault: (error: unknown) => void;
  readonly modelOf: (session: Session, caller: Caller) => Model;
  readonly newId: () => string;
  /** How often partial answers are stored, in milliseconds. */
  readonly partialMs: number;
}

type NewMessage = Omit<TranscriptMessage, "id" | "seq" | "timestamp">;

/** Takes a run from its message to its stored answer and tells the clients on the way. */
export class Runner {
  readonly #partials: PartialAnswers;
  readonly #parts: RunnerParts;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#partials = new PartialAnswers(parts.sessions, parts.clock, parts.partialMs);
  }

  /** Makes a run that all clients watch, not yet started. `over` is called after its last event. */
  prepare(request: RunRequest, record: RunRecord, over: () => void): Run {
    const { clients, clock, modelOf, newId } = this.#parts;
    const run = new Run({
      identity: identityOf(request),
      answerId: newId(),
      model: request.model ?? modelOf(request.session, request.caller),
      now: clock.wall,
      agentCaller: request.agentCaller,
      fault: this.#parts.fault,
      ended: (ended, end) => this.#finish(ended, end, request, record, over),
    });
    record.startedAt = run.startedAt;
    for (const client of clients) run.watch(client);
    return run;
  }

  /**
   * Stores the message, calls the upstream and tells the clients. `late` says that the message had to wait. Never throws:
   * a fault of ours ends the run.
   */
  begin(run: Run, request: RunRequest, late: boolean): void {
    try {
      this.#begin(run, request, late);
    } catch (error) {
      this.#parts.fault(error);
      this.#abandon(run);
    }
  }

  #abandon(run: Run): void {
    try {
      run.failed();
    } catch (error) {
      this.#parts.fault(error);
    }
  }

  #begin(run: Run, request: RunRequest, late: boolean): void {
    const { news, sessions } = this.#parts;
    const { session } = request;
    const question = this.#ask(session, { role: "user", content: request.content, runId: request.runId });
    const opened = openRun(this.#parts, run, request, late);
    // Before the session's change, which stores what stands if the gateway is killed.
    if (!(opened instanceof GatewayError)) this.#partials.begin(run, session);
    sessions.update(session, traceOfQuestion(session, question, run.startedAt));
    news.asked(session.key, question, run.id);
    this.#tell(run.identity, { seq: run.frames.nextSeq(), state: "status", phase: "starting_model" });
    this.#tellCaller(run, { phase: "start", startedAt: run.startedAt });
    if (opened instanceof GatewayError) run.fail(opened);
    else run.follow(opened, request.timeoutMs);
  }

  /** Adds a message to the conversation that no model wrote. */
  inject(session: Session, text: string): TranscriptMessage {
    const content = [{ type: "text", text }] as const;
    const message = this.#store(session, { role: "assistant", content, model: "gateway-injected", stopReason: "stop" });
    const identity = { runId: `inject-${message.id}`, sessionKey: session.key, agentId: AGENT_ID };
    this.#tell(identity, { seq: 0, state: "final", stopReason: "stop", message: textMessage(text, message.timestamp) });
    return message;
  }

  /** Answers a command in the gateway's own words. Both are stored; neither is sent upstream with the conversation. */
  reply(session: Session, runId: string, content: readonly Part[], text: string): void {
    const { news } = this.#parts;
    news.message(session.key, this.#ask(session, { role: "user", content, runId }));
    const answer = { role: "assistant", content: [{ type: "text", text }], runId, model: COMMAND_MODEL } as const;
    const { timestamp } = this.#store(session, { ...answer, stopReason: "stop" });
    const identity = { runId, sessionKey: session.key, agentId: AGENT_ID };
    this.#tell(identity, { seq: 1, state: "final", stopReason: "stop", message: textMessage(text, timestamp) });
    news.changed(session.key, SETTLED, runId);
  }

  /** Reports a queued message that a client took back. */
  drop(request: RunRequest, record: RunRecord): void {
    const stopReason = ABORTED_BY_CLIENT;
    this.#tell(identityOf(request), { seq: 1, state: "aborted", stopReason });
    record.conclude({ status: "aborted", stopReason, endedAt: this.#parts.clock.wall() });
    this.#parts.news.changed(request.session.key, SETTLED, request.runId);
  }

  /** Stops storing partial answers. */
  close(): void {
    this.#partials.close();
  }

  /** Stores a message that never got its turn, with the reason in place of an answer. */
  interrupt(request: RunRequest, record: RunRecord, reason: GatewayError): void {
    const { session, content, runId } = request;
    const run = this.prepare(request, record, () => {});
    this.#parts.news.message(session.key, this.#ask(session, { role: "user", content, runId }));
    run.fail(reason);
  }

  /** Whatever fails here, the session's next message gets its turn and pending requests for this run get a response. */
  #finish(run: Run, end: RunEnd, request: RunRequest, record: RunRecord, over: () => void): void {
    const endedAt = this.#parts.clock.wall();
    this.#partials.end(run);
    try {
      const ending = endingOf(run, end, endedAt);
      this.#conclude(run, ending, request.session, record);
      over();
      record.conclude(ending.outcome);
    } catch (error) {
      over();
      record.conclude({ status: "error", error: toGatewayError(error), endedAt });
      throw error;
    }
    this.#parts.news.ended(request.session.key, run.id);
  }

  /** Stores the answer and tells the clients of the end. */
  #conclude(run: Run, ending: RunEnding, session: Session, record: RunRecord): void {
    const { news, sessions } = this.#parts;
    const stored = this.#append(session, ending.message, run.answerId);
    news.answered(session.key, stored);
    record.message = stored;
    sessions.update(session, { ...ending.settings, ...traceOfAnswer(run.content.text) });
    const { message } = ending.chat;
    // With its stored id, so that clients recognise it in the history.
    const named = message && { message: { ...message, __openclaw: show(stored).message.__openclaw } };
    this.#tell(run.identity, { seq: run.frames.nextSeq(), ...ending.chat, ...named });
    this.#tellCaller(run, ending.lifecycle);
  }

  #store(session: Session, message: NewMessage): TranscriptMessage {
    const stored = this.#append(session, message);
    this.#parts.news.message(session.key, stored);
    return stored;
  }

  #append(session: Session, message: NewMessage, id?: string): TranscriptMessage {
    const placed = this.#placed(session, message, id);
    this.#parts.sessions.append(session, placed);
    return placed;
  }

  /** Adds a question, which is stored with the next message: its answer, or the beginning of it. */
  #ask(session: Session, message: NewMessage): TranscriptMessage {
    const placed = this.#placed(session, message);
    this.#parts.sessions.ask(session, placed);
    return placed;
  }

  #placed(session: Session, message: NewMessage, id = this.#parts.newId()): TranscriptMessage {
    return { id, ...session.branches.place, timestamp: this.#parts.clock.wall(), ...message };
  }

  #tell(identity: RunIdentity, event: object): void {
    this.#parts.clients.tellReaders("chat", () => ({ ...identity, ...event }));
  }

  #tellCaller(run: Run, data: object): void {
    if (!run.agentCaller) return;
    const event = {
      ...run.identity,
      seq: run.frames.nextSeq(),
      stream: "lifecycle",
      ts: this.#parts.clock.wall(),
      data,
    };
    run.agentCaller.event(eventHead("agent", event));
  }
}

const identityOf = (request: RunRequest): RunIdentity => ({
  runId: request.runId,
  sessionKey: request.session.key,
  agentId: AGENT_ID,
});

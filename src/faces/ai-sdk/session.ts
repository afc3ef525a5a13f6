import type { Code } from "../../../protocol/codes.ts";
import { type Caller, requireScope } from "../../core/caller/caller.ts";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import type { JsonObject } from "../../core/kernel/json.ts";
import type { Connection } from "../../core/ports/connection.ts";
import type { FaceSession } from "../../core/ports/face.ts";
import { noteRefusedFrame } from "../../core/ports/refused-frame.ts";
import { NOBODY } from "../../core/stream/registered-stream.ts";
import { Scheduler } from "../../core/stream/scheduler.ts";
import { failureWords } from "../chat/failure-words.ts";
import { Answer } from "./answers/answer.ts";
import { AnswerReader } from "./answers/answer-reader.ts";
import type { Answers } from "./answers/answers.ts";
import { EntryDeltas } from "./answers/entry-deltas.ts";
import { FrameCaller } from "./frame-caller.ts";
import { type ClientFrame, type ResumeFrame, readClientFrame, type SendFrame } from "./frames/client-frame.ts";
import { chunkFrame, chunkPrefix, errorFrame, noActiveFrame, startFrame } from "./frames/server-frame.ts";
import { type Chunk, errorChunk } from "./messages/answer-chunks.ts";
import { chunksOfParts } from "./messages/earlier-parts.ts";
import { toConversation } from "./messages/to-conversation.ts";
import type { AiSdkParts } from "./parts.ts";

/** One connection of the AI SDK's chat transport: its requests, each a reader of an answer. */
export class AiSdkSession implements FaceSession {
  readonly #connection: Connection;
  readonly #parts: AiSdkParts;
  readonly #answers: Answers;
  readonly #scheduler: Scheduler;
  readonly #readers = new Map<string, AnswerReader>();
  /** Answers that wait until it is decided elsewhere whether they may run, by their requests. */
  readonly #opening = new Map<string, Answer>();
  /** Resumes that other nodes are still asked for, with whether they were aborted meanwhile. */
  readonly #seeking = new Map<string, { isAborted: boolean }>();
  readonly #caller: FrameCaller;
  #isClosed = false;

  constructor(connection: Connection, parts: AiSdkParts, answers: Answers) {
    this.#connection = connection;
    this.#parts = parts;
    this.#answers = answers;
    this.#scheduler = new Scheduler(connection);
    this.#caller = new FrameCaller(connection, parts.authenticator);
  }

  /** Sends a frame that belongs to no request. */
  tell(frame: string): void {
    this.#scheduler.send(frame);
  }

  message(text: string): void {
    const receivedAt = this.#parts.clock.now();
    const { requestId, frame } = readClientFrame(text);
    try {
      if (frame instanceof GatewayError) throw frame;
      if (frame.type === "send") this.#answer(frame, receivedAt);
      else if (frame.type === "resume") this.#resume(frame);
      else this.#abort(frame.requestId);
    } catch (thrown) {
      this.#refuse(requestId, toGatewayError(thrown));
    }
  }

  drained(): void {
    this.#scheduler.run();
  }

  closed(why: Code): void {
    this.#isClosed = true;
    for (const reader of [...this.#readers.values()]) reader.leave(why);
    for (const answer of this.#opening.values()) {
      answer.join(NOBODY);
      answer.leave(NOBODY, why);
    }
    this.#opening.clear();
  }

  /** The protocol cannot say it: clients resume after the close. */
  goingAway(): void {}

  #answer(frame: SendFrame, receivedAt: number): void {
    const caller = this.#identify(frame);
    this.#checkRequest(frame.requestId);
    if (this.#answers.isRunning(caller.name, frame.id)) {
      throw new GatewayError("bad_request", "A response is already active for this chat.");
    }
    const answer = this.#open(frame, caller, receivedAt);
    this.#answers.add(caller.name, frame.id, answer);
    this.#readOnceOpened(frame.requestId, answer);
  }

  /** A refused answer looks like a request that never was one. */
  #readOnceOpened(requestId: string, answer: Answer): void {
    const decided = answer.stream.info.opening?.decided;
    if (decided === undefined) {
      this.#read(requestId, answer, 0, []);
      return;
    }
    this.#opening.set(requestId, answer);
    void decided.then((refusal) => {
      if (!this.#opening.delete(requestId)) return;
      if (!refusal) this.#read(requestId, answer, 0, []);
      else {
        this.#parts.registry.handled(answer.registered, true);
        this.#refuse(requestId, refusal);
      }
    });
  }

  #open(frame: SendFrame, caller: Caller, receivedAt: number): Answer {
    const { relay, routing, registry } = this.#parts;
    const { system, thinking, options } = frame.body;
    const model = frame.body.model === undefined ? routing.defaultModel : routing.model(frame.body.model);
    const tools = frame.body.tools?.map(({ name, description, parameters }) => ({
      name,
      ...(description !== undefined && { description }),
      parameters: parameters as JsonObject,
    }));
    const conversation = toConversation(frame.messages, { system, thinking, tools });
    const stream = relay.open({
      target: { route: model.route, model },
      body: { ...model.route.dialect.conversation(conversation), ...(options as JsonObject | undefined) },
      // Options are in the terms of the first target's provider.
      bodyFor: options === undefined ? (dialect) => dialect.conversation(conversation) : undefined,
      caller,
      upstreamKey: this.#connection.upstreamKey,
      mayRetry: true,
      face: "ai-sdk",
      connection: this.#connection.id,
      receivedAt,
    });
    const last = frame.messages.at(-1);
    const registered = registry.add(stream, caller.name, caller.grant?.away ?? "continue");
    // After a tool has run, the client goes on with the message that called it.
    const begun = last?.role === "assistant" ? last : undefined;
    const facts = {
      messageId: begun?.id ?? `msg_${stream.info.id}`,
      stream: stream.info.id,
      model: model.alias,
      route: model.route.name,
      tools: new Set(tools?.map(({ name }) => name)),
    };
    return new Answer(registered, facts, registry, chunksOfParts(begun?.parts ?? []));
  }

  #resume(frame: ResumeFrame): void {
    const caller = this.#identify(frame);
    this.#checkRequest(frame.requestId);
    const { requestId, id: chat } = frame;
    const seeking = { isAborted: false };
    const sought = this.#answers.find({
      caller: caller.name,
      chat,
      admit: () => this.#parts.relay.admit(caller),
      found: (answer) => {
        this.#seeking.delete(requestId);
        if (this.#isClosed) return;
        if (answer) this.#readAgain(frame, answer, () => this.#answers.shown(caller.name, chat, answer));
        else this.#scheduler.send(noActiveFrame(requestId));
        if (seeking.isAborted) answer?.stop();
      },
    });
    if (!sought) return;
    this.#seeking.set(requestId, seeking);
    sought.catch((thrown: unknown) => {
      this.#seeking.delete(requestId);
      if (!this.#isClosed) this.#refuse(requestId, toGatewayError(thrown));
    });
  }

  #readAgain({ requestId, lastSequence }: ResumeFrame, answer: Answer, shown: () => void): void {
    if (lastSequence === undefined) this.#read(requestId, answer, 0, answer.earlier, shown);
    else this.#read(requestId, answer, lastSequence + 1, [], shown);
  }

  /** `shown`: called once the client has the whole answer. */
  #read(requestId: string, answer: Answer, from: number, earlier: readonly Chunk[], shown = () => {}): void {
    this.#scheduler.send(startFrame(requestId));
    const reader = new AnswerReader({
      requestId,
      answer,
      deltas: new EntryDeltas(answer.stream.log, () => answer.decoder()),
      scheduler: this.#scheduler,
      from,
      earlier,
      over: (why) => {
        this.#readers.delete(requestId);
        if (why === undefined) shown();
      },
    });
    this.#readers.set(requestId, reader);
    reader.wake();
  }

  /** From any of its readers. A request that is over or unknown is none of a client's mistakes. */
  #abort(requestId: string): void {
    const seeking = this.#seeking.get(requestId);
    if (seeking) seeking.isAborted = true;
    else (this.#readers.get(requestId)?.answer ?? this.#opening.get(requestId))?.stop();
  }

  /** Throws `duplicate_id` or `too_many_streams`. */
  #checkRequest(requestId: string): void {
    const limit = this.#parts.limits.streamsPerConnection;
    const taken = [this.#readers, this.#opening, this.#seeking];
    if (taken.some((requests) => requests.has(requestId))) throw new GatewayError("duplicate_id");
    if (taken.reduce((sum, { size }) => sum + size, 0) >= limit) {
      const setting = "limits.streamsPerConnection";
      throw new GatewayError("too_many_streams", undefined, { details: { limit }, setting });
    }
  }

  #identify({ headers }: Exclude<ClientFrame, { type: "abort" }>): Caller {
    const caller = this.#caller.of(headers);
    requireScope(caller, "streams");
    return caller;
  }

  #refuse(requestId: string | undefined, error: GatewayError): void {
    if (error.code === "internal") this.#parts.observer.fault(error.cause, "ai-sdk");
    if (requestId !== undefined) {
      this.#scheduler.send(chunkFrame(chunkPrefix(requestId), 0, errorChunk(error)));
      this.#scheduler.send(errorFrame(requestId, failureWords(error)));
    }
    noteRefusedFrame(this.#connection, this.#parts.observer, "ai-sdk", error);
  }
}

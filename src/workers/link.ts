import type { Socket } from "node:net";

/** The calls that one side of a link offers, by name: each takes a value, and perhaps a socket, and may answer. */
export type Calls<Offered> = { readonly [Name in keyof Offered]: (value: never, socket?: Socket) => unknown };

/** Node's channel between a process and its child. */
export interface Channel {
  send(message: object, socket: Socket | undefined, options: object, done: (error: Error | null) => void): boolean;
  on(event: "message", listener: (message: unknown, socket: unknown) => void): unknown;
}

/** A message: a call, whose answer is wanted if it has an id, or the answer to one. */
type Message =
  | { readonly name: string; readonly value: unknown; readonly id?: number }
  | { readonly answers: number; readonly value: unknown };

type ValueOf<Offered, Name extends keyof Offered> = Offered[Name] extends (
  value: infer Value,
  ...rest: never[]
) => unknown
  ? Value
  : never;
type AnswerOf<Offered, Name extends keyof Offered> = Offered[Name] extends (...args: never[]) => infer Answer
  ? Awaited<Answer>
  : never;

/** Calls in both directions between two processes. What is sent to a process that has ended is lost without an error. */
export class Link<Theirs extends Calls<Theirs>> {
  readonly #channel: Channel;
  readonly #waiting = new Map<number, (value: unknown) => void>();
  #lastId = 0;
  #isClosed = false;

  /** `mine` is what the other side may call. */
  constructor(channel: Channel, mine: Readonly<Record<string, (value: never, socket?: Socket) => unknown>>) {
    this.#channel = channel;
    channel.on("message", (message, socket) => void this.#take(message as Message, socket as Socket | undefined, mine));
  }

  /** Calls without waiting for an answer. A socket is also kept open here. */
  tell<Name extends keyof Theirs & string>(name: Name, value: ValueOf<Theirs, Name>, socket?: Socket): void {
    this.#send({ name, value }, socket);
  }

  /** The other side has ended: nothing that it is asked, or has been, is answered any more. */
  close(): void {
    this.#isClosed = true;
    for (const answer of this.#waiting.values()) answer(undefined);
  }

  /** The answer; undefined when there is none within `waitMs`, or the other side has ended. */
  async ask<Name extends keyof Theirs & string>(
    name: Name,
    value: ValueOf<Theirs, Name>,
    waitMs: number,
  ): Promise<AnswerOf<Theirs, Name> | undefined> {
    if (this.#isClosed) return undefined;
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, resolve);
    const late = setTimeout(resolve, waitMs, undefined);
    this.#send({ name, value, id });
    const answer = await promise;
    clearTimeout(late);
    this.#waiting.delete(id);
    return answer as AnswerOf<Theirs, Name> | undefined;
  }

  async #take(
    message: Message,
    socket: Socket | undefined,
    mine: Readonly<Record<string, (value: never, socket?: Socket) => unknown>>,
  ): Promise<void> {
    if ("answers" in message) {
      this.#waiting.get(message.answers)?.(message.value);
      return;
    }
    const { name, value, id } = message;
    const answer = await mine[name]?.(value as never, socket);
    if (id !== undefined) this.#send({ answers: id, value: answer });
  }

  #send(message: Message, socket?: Socket): void {
    this.#channel.send(message, socket, { keepOpen: true }, () => {});
  }
}

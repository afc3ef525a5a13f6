import { type ClientRequest, type IncomingMessage, request as send } from "node:http";
import { createParser, type EventSourceMessage } from "eventsource-parser";

interface Waiter {
  readonly wanted: (event: EventSourceMessage) => boolean;
  readonly resolve: (event: EventSourceMessage) => void;
  readonly reject: (error: Error) => void;
}

/** An SSE reader on its own socket, which queues what it receives and can pause or leave. */
export class SseClient {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** Resolves at the end of the response, with whether it was complete. */
  readonly closed: Promise<boolean>;
  /** Everything received, unchanged. */
  text = "";
  lastEventId: string | undefined;
  readonly #request: ClientRequest;
  readonly #response: IncomingMessage;
  readonly #queue: EventSourceMessage[] = [];
  readonly #waiters: Waiter[] = [];
  #noticed: () => void = () => {};

  private constructor(request: ClientRequest, response: IncomingMessage) {
    this.#request = request;
    this.#response = response;
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    const parser = createParser({ onEvent: (event) => this.#receive(event) });
    response.setEncoding("utf8");
    response.on("data", (text: string) => {
      this.text += text;
      parser.feed(text);
      this.#noticed();
    });
    // A cut is expected; `closed` reports it.
    response.on("error", () => {});
    this.closed = new Promise((resolve) => {
      response.on("close", () => {
        resolve(response.complete);
        for (const waiter of this.#waiters.splice(0)) waiter.reject(new Error("the response is over"));
      });
    });
  }

  /**
   * Sends the request and waits for the response head. With `stalled` it reads nothing of the body until `resume`; with a body
   * it sends a POST.
   */
  static open(url: string, headers: Record<string, string> = {}, stalled = false, body?: string): Promise<SseClient> {
    return new Promise((resolve, reject) => {
      const options = {
        agent: false,
        method: body === undefined ? "GET" : "POST",
        headers: { accept: "text/event-stream", ...headers },
      };
      const request = send(url, options, (response) => {
        const client = new SseClient(request, response);
        if (stalled) response.pause();
        resolve(client);
      });
      request.on("error", reject).end(body);
    });
  }

  resume(): void {
    this.#response.resume();
  }

  /** The next event in order, or the next that matches. */
  take(wanted: (event: EventSourceMessage) => boolean = () => true): Promise<EventSourceMessage> {
    const at = this.#queue.findIndex(wanted);
    const [found] = at < 0 ? [] : this.#queue.splice(at, 1);
    if (found) return Promise.resolve(found);
    return new Promise((resolve, reject) => this.#waiters.push({ wanted, resolve, reject }));
  }

  /** Resolves after this many comments. */
  comments(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#noticed = () => {
        if ((this.text.match(/^:/gm)?.length ?? 0) >= count) resolve();
      };
      this.#noticed();
    });
  }

  /** Everything up to the stream's end. */
  async rest(): Promise<{ events: EventSourceMessage[]; end: Record<string, unknown> }> {
    const events: EventSourceMessage[] = [];
    for (;;) {
      const event = await this.take();
      if (event.event === "sluice.end") return { events, end: JSON.parse(event.data) };
      events.push(event);
    }
  }

  /** All remaining events, at the end of the response. */
  async all(): Promise<EventSourceMessage[]> {
    await this.closed;
    return this.#queue.splice(0);
  }

  /** Disconnects silently. */
  cut(): void {
    this.#request.destroy();
  }

  [Symbol.dispose](): void {
    this.cut();
  }

  #receive(event: EventSourceMessage): void {
    this.lastEventId = event.id ?? this.lastEventId;
    const at = this.#waiters.findIndex(({ wanted }) => wanted(event));
    const [waiter] = at < 0 ? [] : this.#waiters.splice(at, 1);
    if (waiter) waiter.resolve(event);
    else this.#queue.push(event);
  }
}

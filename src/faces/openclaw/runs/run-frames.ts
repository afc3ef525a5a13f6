import { SCOPES, TOOL_EVENTS_CAP } from "../../../../protocol/openclaw/wire.ts";
import type { ClientSession } from "../clients/client-session.ts";
import type { TrackEncoder } from "./text-track.ts";

/** The fields that every frame of one run begins with. */
export interface RunIdentity {
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
}

/** A message as clients show it while it streams. */
export const textMessage = (text: string, timestamp: number) => ({
  role: "assistant",
  content: [{ type: "text", text }],
  timestamp,
});

/**
 * Encodes the tracks of one run. The beginning of a frame is built once per track; per event only the text is escaped.
 * `seq` numbers the run's frames: each new frame takes the next, so no client sees a number twice or out of order.
 */
export class RunFrames {
  readonly #identity: RunIdentity;
  readonly #now: () => number;
  #seq = 0;

  /** `now` is the wall clock in milliseconds. */
  constructor(identity: RunIdentity, now: () => number) {
    this.#identity = identity;
    this.#now = now;
  }

  /** The number of the next frame. */
  nextSeq(): number {
    return ++this.#seq;
  }

  /** The answer as `chat` deltas, for all clients that may read. */
  text(): TrackEncoder {
    // Not whose agent it is: the session's key says so, and this frame is sent for every piece.
    const { runId, sessionKey } = this.#identity;
    const start = this.#start("chat", '"state":"delta"', { runId, sessionKey });
    return {
      wants: isReader,
      piece: (piece) => `${start}${this.nextSeq()},"deltaText":${JSON.stringify(piece)}},"seq":`,
      whole: (text, added, replaces) => {
        const message = JSON.stringify(textMessage(text, this.#now()));
        const replace = replaces ? ',"replace":true' : "";
        return [
          `${start}${this.nextSeq()},"deltaText":${JSON.stringify(added)}${replace},"message":${message}},"seq":`,
        ];
      },
    };
  }

  /** The answer as `agent` events, for the client that started the run with the `agent` method. */
  assistant(caller: ClientSession): TrackEncoder {
    return this.#increments("assistant", (client) => client === caller);
  }

  /** Thinking, for clients that show tool calls: OpenClaw has no capability of its own for it. */
  thinking(): TrackEncoder {
    return this.#increments("thinking", hearsTools);
  }

  /** A tool call that the model writes: first its name, then its arguments as JSON text. */
  tool(name: string, toolCallId: string): TrackEncoder {
    const call = `"name":${JSON.stringify(name)},"toolCallId":${JSON.stringify(toolCallId)}`;
    const start = this.#start("agent", '"stream":"tool"');
    const data = (fields: string) => `${start}${this.nextSeq()},"ts":${this.#now()},"data":{${fields}}},"seq":`;
    const piece = (json: string) => data(`"phase":"input_delta",${call},"input_delta":${JSON.stringify(json)}`);
    return {
      wants: hearsTools,
      piece,
      whole: (_text, added, replaces) => {
        const announced = data(`"phase":"start",${call}`);
        return added === "" && !replaces ? [announced] : [announced, piece(added)];
      },
    };
  }

  #increments(stream: string, wants: (client: ClientSession) => boolean): TrackEncoder {
    const start = this.#start("agent", `"stream":"${stream}"`);
    const data = (fields: string) => `${start}${this.nextSeq()},"ts":${this.#now()},"data":{${fields}}},"seq":`;
    return {
      wants,
      piece: (piece) => data(`"delta":${JSON.stringify(piece)}`),
      whole: (text, added, replaces) => {
        const replace = replaces ? ',"replace":true' : "";
        return [data(`"delta":${JSON.stringify(added)},"text":${JSON.stringify(text)}${replace}`)];
      },
    };
  }

  #start(event: string, what: string, identity: object = this.#identity): string {
    const fields = JSON.stringify(identity).slice(1, -1);
    return `{"type":"event","event":"${event}","payload":{${fields},${what},"seq":`;
  }
}

const isReader = (client: ClientSession): boolean => client.may(SCOPES.read);
const hearsTools = (client: ClientSession): boolean => client.may(SCOPES.read) && client.caps.has(TOOL_EVENTS_CAP);

import type { Link } from "./link.ts";

/** What a client of the AI SDK's chat has seen of one request. */
export interface ReadAnswer {
  /** `cut`: the socket closed before. `none`: there was nothing to resume. */
  readonly end: "whole" | "stopped" | "failed" | "refused" | "none" | "cut";
  /** The text of the last step. */
  readonly text: string;
  readonly messageId: string | undefined;
  /** The gateway's name of the stream. */
  readonly stream: string | undefined;
  readonly error: string | undefined;
  /** Whether anything came. */
  readonly hasBegun: boolean;
  /** Whether the client asked to stop. */
  readonly wasStopped: boolean;
  /** What the protocol forbids. */
  readonly faults: readonly string[];
}

interface Chunk {
  readonly type: string;
  readonly delta?: string;
  readonly errorText?: string;
  readonly messageId?: string;
  readonly messageMetadata?: { readonly stream?: string };
}

/** Reads a request's frames to its end. `seen` is told of each chunk by its number, from 1, and returns whether it stopped the answer. */
export async function readAnswer(
  link: Link,
  requestId: string,
  seen: (chunks: number) => boolean,
): Promise<ReadAnswer> {
  const faults: string[] = [];
  const read = {
    text: "",
    messageId: undefined as string | undefined,
    stream: undefined as string | undefined,
    error: undefined as string | undefined,
    hasBegun: false,
    wasStopped: false,
    faults,
  };
  let chunks = 0;
  let end: ReadAnswer["end"] | undefined;
  for (;;) {
    const frame = await link.next(requestId);
    if (!frame) return { ...read, end: "cut" };
    if (frame.type === "no-active") return over("none");
    if (frame.type === "error") {
      read.error = String(frame.errorText);
      return over("refused");
    }
    if (frame.type === "end") {
      if (!end) faults.push("ended without a last chunk");
      return over(end ?? "failed");
    }
    read.hasBegun = true;
    if (frame.type !== "chunk") continue;
    if (frame.sequence !== chunks) faults.push(`chunk ${frame.sequence}, not ${chunks}`);
    chunks++;
    const { type, delta = "", errorText, messageId, messageMetadata } = frame.chunk as Chunk;
    if (end) faults.push(`${type} after the end`);
    if (type === "start") {
      read.messageId = messageId;
      read.stream = messageMetadata?.stream;
    } else if (type === "start-step") read.text = "";
    else if (type === "text-delta") read.text += delta;
    else if (type === "finish") end = "whole";
    else if (type === "abort") end = "stopped";
    else if (type === "error") {
      end = "failed";
      read.error = errorText;
    }
    if (seen(chunks)) read.wasStopped = true;
  }

  function over(how: ReadAnswer["end"]): ReadAnswer {
    link.forget(requestId);
    return { ...read, end: how };
  }
}

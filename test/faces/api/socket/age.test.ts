import { expect, test } from "@jest/globals";
import { refusalBody } from "../../../../src/dialects/refusal-body.ts";
import { createResponsesSocket } from "../../../../src/faces/api/socket/face.ts";
import type { ResponsesSocketParts } from "../../../../src/faces/api/socket/parts.ts";
import { observerOf } from "../../../support/relay/observer.ts";

/** A socket of the face, alone: no stream is opened in these tests. */
function accept(responsesSocketMs: number) {
  const frames: { readonly type: string }[] = [];
  const closed = Promise.withResolvers<{ readonly code: number; readonly reason: string }>();
  const parts: Pick<ResponsesSocketParts, "wording" | "observer" | "limits" | "clock" | "authenticator"> = {
    wording: { refusal: refusalBody, errorEvents: () => [] },
    observer: observerOf({}),
    clock: { now: () => 0, wall: () => 0 },
    authenticator: { current: (caller) => caller },
    limits: { apiBodyBytes: 1_000, responsesMemoryBytes: 1_000, responsesSocketMs },
  };
  createResponsesSocket(parts as ResponsesSocketParts).accept({
    id: "c_1",
    caller: { name: "agent" },
    remoteAddress: "127.0.0.1",
    origin: undefined,
    writable: true,
    send: (frame) => void frames.push(JSON.parse(frame)),
    sendBytes() {},
    authenticated() {},
    violation() {},
    close: (code, reason) => closed.resolve({ code, reason }),
  });
  return { frames, closed: closed.promise };
}

test("a socket that is as old as it may get says so and closes with a code after which clients reconnect", async () => {
  const { frames, closed } = accept(1);
  expect(await closed).toEqual({ code: 1001, reason: "too old" });
  expect(frames).toMatchObject([
    { type: "error", status: 400, error: { code: "websocket_connection_limit_reached", gateway_code: "bad_request" } },
  ]);
});

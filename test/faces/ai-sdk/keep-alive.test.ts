import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "@jest/globals";
import { WebSocketServer } from "ws";
import {
  chunkFrame,
  chunkPrefix,
  endFrame,
  KEEP_ALIVE,
  startFrame,
} from "../../../src/faces/ai-sdk/frames/server-frame.ts";
import { AiChat } from "../../support/clients/ai-chat.ts";

test("the SDK ignores the keep-alive frame, before, within and after an answer", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  server.on("connection", (socket) => {
    socket.on("message", (data) => {
      const { requestId } = JSON.parse(data.toString());
      const chunks = [
        { type: "start", messageId: requestId },
        { type: "text-start", id: "t" },
        { type: "text-delta", id: "t", delta: "Hi" },
        { type: "text-end", id: "t" },
        { type: "finish", finishReason: "stop" },
      ];
      socket.send(KEEP_ALIVE);
      socket.send(startFrame(requestId));
      chunks.forEach((chunk, at) => {
        socket.send(chunkFrame(chunkPrefix(requestId), at, chunk));
        socket.send(KEEP_ALIVE);
      });
      socket.send(endFrame(requestId));
      socket.send(KEEP_ALIVE);
    });
  });
  const { port } = server.address() as AddressInfo;
  using chat = new AiChat(`http://127.0.0.1:${port}`);
  await chat.sendMessage({ text: "Hello" });
  await chat.sendMessage({ text: "Again" });
  expect([chat.status, chat.error?.message, chat.said]).toEqual(["ready", undefined, "Hi"]);
  expect(chat.messages.filter(({ role }) => role === "user")).toHaveLength(2);
  for (const socket of server.clients) socket.terminate();
  server.close();
});

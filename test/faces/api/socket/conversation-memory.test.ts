import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { jsonSize } from "../../../../src/core/kernel/json.ts";
import { CallersMemory } from "../../../../src/faces/api/socket/callers-memory.ts";
import type { Conversation } from "../../../../src/faces/api/socket/conversation.ts";
import { ConversationMemory } from "../../../../src/faces/api/socket/conversation-memory.ts";
import { Remembered } from "../../../../src/faces/api/socket/remembered.ts";

const respond = (remembered: Remembered, lane: string | undefined, id: string, text = "") =>
  remembered.add(lane, id, remembered.begin([text]));

test("each lane's latest response is found by its id, on any lane", () => {
  const remembered = new Remembered(new ConversationMemory(1_000), 1_000);
  respond(remembered, "a", "1");
  respond(remembered, "b", "2");
  respond(remembered, "a", "3");
  expect(["1", "2", "3"].map((id) => remembered.find(id)?.id)).toEqual([undefined, "2", "3"]);
});

test("beyond the memory of a caller's sockets the conversation left alone the longest is forgotten", () => {
  const bytes = jsonSize(["x".repeat(100)]);
  const memory = new ConversationMemory(2 * bytes);
  const [one, other] = [new Remembered(memory, 10 * bytes), new Remembered(memory, 10 * bytes)];
  respond(one, "a", "1", "x".repeat(100));
  respond(other, "a", "2", "x".repeat(100));
  respond(other, "b", "3", "x".repeat(100));
  expect(one.find("1")).toBeUndefined();
  expect(other.find("2")).toBeDefined();
  expect(memory.bytes).toBe(2 * bytes);
});

test("a caller with many conversations forgets its own, and nobody else's", () => {
  const memory = new CallersMemory(1_000);
  const [modest, greedy] = ["modest", "greedy"].map((caller) => new Remembered(memory.of(caller), 10_000));
  const text = "x".repeat(100);
  if (!modest || !greedy) throw new Error("no callers");
  respond(modest, undefined, "mine", text);
  for (let time = 0; time < 50; time++) respond(greedy, `${time}`, `${time}`, text);
  expect(modest.find("mine")).toBeDefined();
  expect([greedy.find("0"), greedy.find("49")?.id]).toEqual([undefined, "49"]);
  expect(memory.bytes).toBeLessThanOrEqual(1_000);
});

test("whoever takes no more than an equal share of the memory loses nothing to others", () => {
  const step = fc.record({ caller: fc.nat(2), lane: fc.nat(20), size: fc.nat(400) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const memory = new CallersMemory(3_000);
      const quiet = new Remembered(memory.of("quiet"), 100_000);
      respond(quiet, undefined, "kept", "x".repeat(300));
      const sockets = [0, 1, 2].map((caller) => new Remembered(memory.of(`${caller}`), 100_000));
      for (const { caller, lane, size } of steps) {
        const socket = sockets[caller];
        if (socket) respond(socket, `${lane}`, `${lane}`, "x".repeat(size));
        expect(memory.bytes).toBeLessThanOrEqual(3_000);
      }
      expect(quiet.find("kept")).toBeDefined();
      for (const remembered of [...sockets, quiet]) remembered.clear();
      expect(memory.bytes).toBe(0);
    }),
  );
});

test("a conversation that is larger than a socket may remember is forgotten at once", () => {
  const memory = new ConversationMemory(1_000_000);
  const remembered = new Remembered(memory, 100);
  respond(remembered, "a", "1", "x".repeat(200));
  expect(remembered.find("1")).toBeUndefined();
  expect(memory.bytes).toBe(0);
});

test("any sequence of turns, failures and closed sockets keeps within both limits and gives everything back", () => {
  const step = fc.record({
    socket: fc.nat(2),
    lane: fc.constantFrom(undefined, "a", "b"),
    id: fc.nat(5).map(String),
    size: fc.nat(300),
    what: fc.constantFrom("add", "add", "begin", "grow", "end", "forget", "clear"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const memory = new ConversationMemory(900);
      const sockets = [0, 1, 2].map(() => new Remembered(memory, 500));
      const running: Conversation[] = [];
      for (const { socket, lane, id, size, what } of steps) {
        const remembered = sockets[socket];
        if (what === "add" && remembered) respond(remembered, lane, id, "x".repeat(size));
        else if (what === "begin" && remembered) running.push(remembered.begin(["x".repeat(size)]));
        else if (what === "grow") running.at(-1)?.add("x".repeat(size));
        else if (what === "end") running.pop()?.end(["x".repeat(size)]);
        else if (what === "forget") remembered?.forget(id);
        else if (what === "clear") remembered?.clear();
        expect(memory.bytes).toBeLessThanOrEqual(900);
        if (what === "forget") expect(remembered?.find(id)).toBeUndefined();
      }
      for (const remembered of sockets) remembered.clear();
      expect(memory.bytes).toBe(0);
    }),
  );
});

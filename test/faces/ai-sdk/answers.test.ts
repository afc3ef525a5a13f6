import { expect, test } from "@jest/globals";
import { Answer } from "../../../src/faces/ai-sdk/answers/answer.ts";
import { Answers } from "../../../src/faces/ai-sdk/answers/answers.ts";
import { LIMITS, RegistryRig } from "../../support/relay/registry-rig.ts";

test("chats are forgotten once their answers cannot be read any more: at the next question, whoever asks it", () => {
  const rig = new RegistryRig();
  const answers = new Answers(rig.registry);
  const ask = (chat: string) => {
    const subject = rig.open("continue");
    if (!subject) throw new Error("not set up");
    const facts = { messageId: chat, stream: chat, model: "gpt", route: "chat", tools: new Set<string>() };
    answers.add(subject.caller, chat, new Answer(subject.registered, facts, rig.registry));
    return subject;
  };
  for (const chat of ["a", "b", "c"]) ask(chat).end();
  const running = ask("d");
  expect(answers.size).toBe(4);
  rig.tick(LIMITS.retentionMs);
  ask("e");
  expect([answers.size, answers.isRunning(running.caller, "d")]).toEqual([2, false]);
});

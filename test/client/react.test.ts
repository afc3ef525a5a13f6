/** `useStream`. React is the application's; here its hooks do what they do for a component that renders once. */
import { expect, jest, test } from "@jest/globals";
import { Answer, type AnswerState, NO_ANSWER } from "../../src/client/answer.ts";
import { answer, CHAT, chunk, startStage } from "./set-up.ts";

const effects: (() => (() => void) | undefined)[] = [];
jest.unstable_mockModule(
  "react",
  () => ({
    useMemo: (make: () => unknown) => make(),
    useCallback: (callback: unknown) => callback,
    useEffect: (run: () => (() => void) | undefined) => void effects.push(run),
    useSyncExternalStore: (_: unknown, read: () => unknown) => read(),
  }),
  { virtual: true },
);
const { useStream } = await import("../../src/client/react.ts");
const { dialect: _, ...REQUEST } = CHAT;

const until = (shown: Answer, fits: (state: AnswerState) => boolean) =>
  new Promise<AnswerState>((resolve) => {
    const look = (state: AnswerState) => fits(state) && resolve(state);
    shown.subscribe(look);
    look(shown.state);
  });

test("an answer grows on the screen, with what the stream is doing, and ends with its figures", async () => {
  await using stage = await startStage();
  const shown = new Answer(stage.sluice, REQUEST);
  expect(shown.state).toEqual({ ...NO_ANSWER, state: "opening" });
  shown.start();
  const call = (await stage.upstream.request()).sse().event(chunk("Hel"));
  expect(await until(shown, ({ text }) => text === "Hel")).toMatchObject({ state: "reading", end: undefined });
  call.event(chunk("lo")).finishChat();
  const over = await until(shown, ({ state }) => state === "over");
  expect(over).toMatchObject({ text: "Hello", error: undefined, end: { status: "completed" } });
});

test("one that fails keeps its text, and shows the error and the end", async () => {
  await using stage = await startStage();
  const shown = new Answer(stage.sluice, { ...REQUEST, retry: false });
  shown.start();
  (await stage.upstream.request()).sse().event(chunk("Hel")).finish();
  expect(await until(shown, ({ state }) => state === "over")).toMatchObject({
    text: "Hel",
    error: { code: "upstream_truncated" },
    end: { status: "failed" },
  });
});

test("a component that goes away cancels its stream; started again, as React does in development, it asks again", async () => {
  await using stage = await startStage();
  const shown = new Answer(stage.sluice, REQUEST);
  const stop = shown.start();
  const call = (await stage.upstream.request()).sse().event(chunk("a"));
  await until(shown, ({ text }) => text === "a");
  stop();
  await call.closed;
  shown.start();
  answer(await stage.upstream.request(), 2);
  expect(await until(shown, ({ state }) => state === "over")).toMatchObject({ text: "1 2 " });
});

test("useStream shows nothing without a request, and asks once the component is there", async () => {
  await using stage = await startStage();
  expect(useStream(stage.sluice, undefined)).toMatchObject(NO_ANSWER);
  expect(useStream(stage.sluice, REQUEST)).toMatchObject({ state: "opening", text: "" });
  const stops = effects.splice(0).map((run) => run());
  const call = await stage.upstream.request();
  for (const stop of stops) stop?.();
  await call.closed;
  expect(stage.upstream.requests).toBe(1);
});

import { afterAll, expect, jest, test } from "@jest/globals";
import { loadFrameView } from "./browser-modules.ts";

/** As much of a document as the view needs. */
const row = () => {
  const texts: string[] = [];
  return { dataset: {}, texts, append: (_arrow: object, text: string) => void texts.push(text) };
};
jest.useFakeTimers();
Object.assign(globalThis, { matchMedia: () => ({ matches: false }), document: { createElement: row } });
afterAll(() => {
  jest.useRealTimers();
  for (const name of ["matchMedia", "document"]) Reflect.deleteProperty(globalThis, name);
});

test("neither many events nor many acknowledgements push the few other frames out", async () => {
  const FrameView = await loadFrameView();
  let shown: readonly ReturnType<typeof row>[] = [];
  const replaceChildren = (...rows: typeof shown) => {
    shown = rows;
  };
  const view = new FrameView({ replaceChildren });
  const hello = JSON.stringify({ type: "hello" });
  const end = JSON.stringify({ type: "end" });
  view.add("received", hello);
  for (let seq = 1; seq <= 100; seq++) {
    view.add("received", JSON.stringify({ type: "event", seq }));
    view.add("sent", JSON.stringify({ type: "ack", streams: [{ seq }] }));
  }
  view.add("received", end);
  jest.runAllTimers();
  const texts = shown.flatMap((each) => each.texts);
  expect([texts[0], texts.at(-1)]).toEqual([hello, end]);
  expect(texts).toHaveLength(2 + 16 + 8);
  expect(texts).toContain(JSON.stringify({ type: "event", seq: 100 }));
});

import { expect, test } from "@jest/globals";
import type { JsonValue } from "../../../../src/core/kernel/json.ts";
import { DurableMap } from "../../../../src/faces/openclaw/clients/durable-map.ts";
import { createMemoryTranscripts } from "../../../../src/storage/transcripts/memory-transcripts.ts";

const read = (value: JsonValue) => (typeof value === "number" ? value : undefined);

function rig() {
  const documents = createMemoryTranscripts();
  const faults: unknown[] = [];
  const load = () => DurableMap.load({ documents, kind: "counts", fault: (error) => faults.push(error), read });
  return { documents, faults, load };
}

test("what was set is there after the next load, what was deleted is not", async () => {
  const { load } = rig();
  const first = await load();
  first.set("b", 1);
  first.set("a", 2);
  first.set("b", 3);
  first.set("gone", 4);
  expect(first.delete("gone")).toBe(true);
  expect(first.delete("gone")).toBe(false);
  expect([...first.entries()]).toEqual([
    ["b", 3],
    ["a", 2],
  ]);
  await first.flush();
  const second = await load();
  expect([...second.entries()]).toEqual([
    ["a", 2],
    ["b", 3],
  ]);
  expect(second.size).toBe(2);
});

test("a value that this version does not understand is left out, and stays in the store", async () => {
  const { documents, load } = rig();
  await documents.saveDocument("counts", "old", "not a number");
  const map = await load();
  expect(map.get("old")).toBeUndefined();
  expect(await documents.documents("counts")).toEqual([{ key: "old", value: "not a number" }]);
});

test("where keys never come again, what cannot be read is deleted and counted in a fault, without its content", async () => {
  const { documents } = rig();
  const faults: unknown[] = [];
  await documents.saveDocument("counts", "broken", "a secret");
  await documents.saveDocument("counts", "fine", 1);
  const fault = (error: unknown) => faults.push(error);
  const map = await DurableMap.load({ documents, kind: "counts", fault, read, dropsUnreadable: true });
  await map.flush();
  expect(await documents.documents("counts")).toEqual([{ key: "fine", value: 1 }]);
  expect(faults.map(String)).toEqual(["Error: deleted stored documents of kind counts that cannot be read: 1"]);
});

test("a failed write is reported, the value stays in memory, and flush still resolves", async () => {
  const { documents, faults, load } = rig();
  const map = await load();
  await documents.close();
  map.set("a", 1);
  await map.flush();
  expect(map.get("a")).toBe(1);
  expect(faults).toEqual([expect.objectContaining({ code: "store_unavailable" })]);
});

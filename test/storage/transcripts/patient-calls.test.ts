import { expect, test } from "@jest/globals";
import { PatientCalls } from "../../../src/storage/transcripts/patient-calls.ts";

test("a server that stands still is not tried once more for each write that waits when the process stops", async () => {
  const calls = new PatientCalls(50);
  let tries = 0;
  /** As a driver that gives up only when the patience is over. */
  const silent = async () => {
    tries++;
    await new Promise((resolve) => setTimeout(resolve, 60));
    throw new Error("Query read timeout");
  };
  const writes = Array.from({ length: 20 }, () => calls.write("one lane", silent).catch(({ code }) => code));
  await calls.close();
  expect(await Promise.all(writes)).toEqual(Array.from({ length: 20 }, () => "store_unavailable"));
  expect(tries).toBe(1);
});

test("what waits when the process stops is written by a server that answers, however late", async () => {
  const calls = new PatientCalls(0);
  const written: number[] = [];
  const writes = Array.from({ length: 20 }, (_, number) => calls.write("one lane", async () => written.push(number)));
  await calls.close();
  await Promise.all(writes);
  expect(written).toHaveLength(20);
});

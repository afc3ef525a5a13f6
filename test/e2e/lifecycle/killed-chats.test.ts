import { expect, test } from "@jest/globals";
import { killChats } from "../../support/openclaw/killed-chats.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const newDirectory = temporaryDirectories();

test("a gateway killed in the middle of several chats loses no question, runs what waited once, and shows nothing less or else", async () => {
  const { faults, interrupted, ranLater } = await killChats({ seed: 7, kills: 3, directory: newDirectory() });
  expect(faults).toEqual([]);
  expect(interrupted).toBeGreaterThan(0);
  expect(ranLater).toBeGreaterThan(0);
});

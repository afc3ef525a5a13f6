import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { OwnFiles } from "../../src/page/own-files.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();

function withFile(content: string) {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "app.js"), content);
  return { files: new OwnFiles(directory), path: join(directory, "app.js") };
}

test("a file is in memory once, however many clients are being sent it", async () => {
  const { files } = withFile("let one;");
  const [first, second] = await Promise.all([files.read("app.js"), files.read("app.js")]);
  expect(String(first)).toBe("let one;");
  expect(second).toBe(first);
  expect(await files.read("app.js")).toBe(first);
});

test("a file that has changed is read again while clients are still being sent the old one", async () => {
  const { files, path } = withFile("let one;");
  const old = await files.read("app.js");
  writeFileSync(path, "let another;");
  expect(String(await files.read("app.js"))).toBe("let another;");
  expect(String(old)).toBe("let one;");
});

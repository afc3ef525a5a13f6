import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "@jest/globals";

/** Runs a program that has `log` and `STREAM`; the test handles its standard output. */
function program(body: string) {
  const source = `
    import { createLog } from ${JSON.stringify(new URL("../../src/observe/log.ts", import.meta.url).href)};
    import { STREAM } from ${JSON.stringify(new URL("./log-lines.ts", import.meta.url).href)};
    import { once } from "node:events";
    import { setImmediate as turn } from "node:timers/promises";
    const log = createLog({ level: "info", clock: { now: () => performance.now(), wall: Date.now } });
    const line = () => log.observer.streamEnded(STREAM);
    ${body}
    process.stdin.destroy();
  `;
  const child = spawn(process.execPath, ["--no-warnings", "--input-type=module", "-e", source]);
  return { child };
}

test("a reader that goes away stops neither the process nor the loop, and lost lines are counted", async () => {
  const { child } = program(`
    await once(process.stdin, "data");
    line();
    while (log.dropped < 3) { await turn(); line(); }
    await log.close();
    console.error("dropped", log.dropped);
  `);
  const errors = text(child.stderr);
  child.stdout.destroy();
  await once(child.stdout, "close");
  child.stdin.end("go");
  const [code] = await once(child, "exit");
  expect(await errors).toBe("dropped 3\n");
  expect(code).toBe(0);
});

test("a reader that is too slow costs lines, not memory or time, and the loss is logged once it reads again", async () => {
  const { child } = program(`
    let sent = 0;
    for (; sent < 10_000; sent++) line();
    console.error("the loop goes on");
    await once(process.stdin, "data");
    for (let before = -1; before < log.dropped; sent++) {
      before = log.dropped;
      await turn();
      line();
    }
    await log.close();
    console.error(sent);
  `);
  const errors = child.stderr.setEncoding("utf8");
  expect(await once(errors, "data")).toEqual(["the loop goes on\n"]);
  const ended = once(child, "exit");
  const sent = once(errors, "data");
  child.stdin.end("go");
  const lines = (await text(child.stdout))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  await ended;
  const written = lines.filter(({ event }) => event === "stream").length;
  const lost = lines.filter(({ event }) => event === "dropped").reduce((sum, line) => sum + line.lines, 0);
  expect(lost).toBeGreaterThan(5_000);
  expect(written + lost).toBe(Number(await sent));
});

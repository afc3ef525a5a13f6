import { describe, expect, test } from "@jest/globals";
import { heapMibOf, optionsOfWorker } from "../../src/workers/share.ts";

const MIB = 2 ** 20;

describe("the heap of a worker", () => {
  test.each([
    [4288, 2, 2080],
    [768, 2, 320],
    [768, 4, 128],
    [200, 4, 64],
  ])("of %i MiB for %i workers is %i MiB", (heapMib, workers, mib) => {
    expect(heapMibOf(heapMib * MIB, workers)).toBe(mib);
  });

  test("replaces every size that the whole gateway was given, and keeps all other options", () => {
    const execArgv = ["--max-old-space-size-percentage=75", "--max-semi-space-size=16", "--disable-warning=X"];
    const nodeOptions = "--max_old_space_size=4000 --enable-source-maps";
    expect(optionsOfWorker({ execArgv, nodeOptions }, 320)).toEqual({
      // The young generation is three semi-spaces.
      execArgv: ["--max-semi-space-size=16", "--disable-warning=X", "--max-old-space-size=272"],
      nodeOptions: "--enable-source-maps",
    });
  });

  test("has the semi-spaces that npm start sets, where nobody has chosen others", () => {
    expect(optionsOfWorker({ execArgv: [], nodeOptions: undefined }, 320).execArgv).toEqual([
      "--max-semi-space-size=8",
      "--max-old-space-size=296",
    ]);
    const chosen = { execArgv: [], nodeOptions: "--max-semi-space-size=4" };
    expect(optionsOfWorker(chosen, 320).execArgv).toEqual(["--max-old-space-size=308"]);
  });
});

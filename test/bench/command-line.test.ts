import { describe, expect, test } from "@jest/globals";
import { readBenchCommand } from "../../bench/command-line.ts";

describe("the benchmark's command line", () => {
  test("takes OpenAI's payload, one core and at least five runs unless it is told otherwise", () => {
    const { scenarios, settings } = readBenchCommand(["cold", "start"]);
    expect(scenarios).toEqual(["cold", "start"]);
    expect(settings).toMatchObject({ payload: "openai", cpus: "core", runs: 5, survey: false });
    expect(readBenchCommand(["cold", "--payload", "anthropic", "--cpus", "container"]).settings).toMatchObject({
      payload: "anthropic",
      cpus: "container",
    });
  });

  test("names what there is if a payload or a placement is unknown", () => {
    expect(() => readBenchCommand(["--payload", "toString"])).toThrow(
      "openai, anthropic, responses, moonshot, restless, fixed",
    );
    expect(() => readBenchCommand(["--cpus", "2"])).toThrow("core, container, all");
  });
});

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runKeys } from "../../../../src/cli/commands/keys/keys.ts";
import { runTeams } from "../../../../src/cli/commands/keys/teams.ts";
import { KeyDatabase } from "../../../../src/storage/keys/key-database.ts";
import { runCommand } from "../../../support/openclaw/command-world.ts";

/** A configuration whose data directory is `store`. */
const STORE = { data: { directory: "store" } };

/** The same with the models gpt and claude. */
export const TWO_MODELS = {
  ...STORE,
  routes: { openai: { dialect: "openai-chat", baseUrl: "https://api.openai.com/v1", passModels: ["gpt-*"] } },
  models: { gpt: { route: "openai", model: "gpt-5" }, claude: { route: "openai", model: "claude" } },
};

/** Every cap that a key or a team can have, as options and as they are stored. */
export const EVERY_CAP = {
  options: [
    ["--tokens-per-day", "1000"],
    ["--tokens-per-month", "20000"],
    ["--cost-per-day", "2.50"],
    ["--cost-per-month", "20"],
    ["--requests-per-minute", "60"],
    ["--tokens-per-minute", "100"],
    ["--concurrent-streams", "4"],
  ].flat(),
  stored: {
    tokensPerDay: 1000,
    tokensPerMonth: 20_000,
    costPerDay: 2.5,
    costPerMonth: 20,
    requestsPerMinute: 60,
    tokensPerMinute: 100,
    concurrentStreams: 4,
  },
};

/** `sluice keys` and `sluice teams` in a directory with this configuration, and what they have put into `store`. */
export function keyCommands(cwd: string, config: unknown = STORE) {
  writeFileSync(join(cwd, "sluice.config.json"), JSON.stringify(config));
  const read = <Value>(of: (database: KeyDatabase) => Value): Value => {
    const database = new KeyDatabase(join(cwd, "store"));
    try {
      return of(database);
    } finally {
      database.close();
    }
  };
  return {
    cwd,
    keys: (...args: readonly string[]) => runCommand(runKeys, args, { cwd }),
    teams: (...args: readonly string[]) => runCommand(runTeams, args, { cwd }),
    storedKeys: () => read((database) => database.list()),
    storedTeams: () => read((database) => database.teams()),
  };
}

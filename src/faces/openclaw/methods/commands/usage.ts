import { mayDo } from "../../../../core/caller/caller.ts";
import { totalsOf } from "../usage/usage-sums.ts";
import type { Command, CommandContext } from "./command.ts";

const DAY_MS = 86_400_000;

/** OpenClaw's line under each answer. */
const FOOTER = new Set(["off", "on", "tokens", "full", "reset", "inherit", "clear", "default"]);

const number = (value: number): string => value.toLocaleString("en", { maximumFractionDigits: 6 });

async function line({ services, session, client }: CommandContext, words: string, since: number, all: boolean) {
  const until = services.clock.wall() + 1;
  const caller = mayDo(client.caller, "admin") ? undefined : client.caller.name;
  const ofSession = all ? undefined : session.key;
  const { cells } = await services.usage.cells({ since, until, utcOffsetMinutes: 0, caller, session: ofSession });
  const { input, output, cacheRead, cacheWrite, totalCost, missingCostEntries } = totalsOf(cells, services.catalog);
  const calls = cells.reduce((sum, { streams }) => sum + streams, 0);
  const tokens = `${number(input + cacheRead + cacheWrite)} tokens in (${number(cacheRead)} from the cache), ${number(output)} out`;
  const unpriced = missingCostEntries > 0 ? `; ${missingCostEntries} without a price` : "";
  return `- ${words}: ${calls} ${calls === 1 ? "call" : "calls"}, ${tokens}, cost ${number(totalCost)}${unpriced}`;
}

/** `/usage`: tokens and cost from the ledger; a key without the scope `admin` sees its own calls. */
export const usage: Command = {
  name: "usage",
  description: "Show what this session and this day have used, from the ledger",
  category: "status",
  async run(context) {
    const { services, session, argument } = context;
    if (FOOTER.has(argument.toLowerCase())) {
      return "There is no usage line under answers here; `/usage` shows the figures.";
    }
    const now = services.clock.wall();
    const lines = [
      await line(context, "This session", session.record.createdAt, false),
      await line(context, "Today (UTC), all sessions and calls", now - (now % DAY_MS), true),
    ];
    return lines.join("\n");
  },
};

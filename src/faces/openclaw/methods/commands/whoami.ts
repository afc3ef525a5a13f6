import type { Command } from "./command.ts";

/** `/whoami`: as whom the gateway knows the client. */
export const whoami: Command = {
  name: "whoami",
  aliases: ["id"],
  description: "Show as whom this gateway knows you",
  category: "status",
  run({ client }) {
    const { caller, about, scopes } = client;
    const of = caller.grant?.team ? ` of team ${caller.grant.team.name}` : "";
    const as = caller.grant ? `the gateway key ${caller.name}${of}` : `${caller.name} (no gateway key)`;
    return [`- Caller: ${as}`, `- Client: ${about.id} ${about.version}`, `- Scopes: ${scopes.join(", ")}`].join("\n");
  },
};

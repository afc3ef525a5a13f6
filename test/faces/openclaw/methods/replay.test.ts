/** What the Control UI asked of a real gateway, asked of this one. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { methods } from "../../../../src/faces/openclaw/methods/methods.ts";
import { ResponseError } from "../../../support/openclaw/openclaw-client.ts";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";
import { NOT_HERE, outerPath } from "../../../support/recordings/outer-corpus.ts";

const folder = outerPath("corpus/openclaw-transcripts");

interface Sent {
  readonly method: string;
  readonly params?: Record<string, unknown>;
}

/** A message as if its page had seen nothing yet: the recorded one had seen another gateway's conversation. */
const unseen = (params: Sent["params"]): Sent["params"] =>
  params && "expectedLeafEntryId" in params ? { ...params, expectedLeafEntryId: null, sessionId: undefined } : params;

/** The page's requests after its handshakes, one for each shape: a method and the names of its parameters. */
function shapesOf(path: string): Map<string, Sent> {
  const shapes = new Map<string, Sent>();
  for (const name of readdirSync(path).filter((file) => file.startsWith("ui-"))) {
    for (const line of readFileSync(`${path}/${name}`, "utf8").trim().split("\n")) {
      const { dir, frame } = JSON.parse(line);
      if (dir !== "client->gateway" || frame?.type !== "req" || frame.method === "connect") continue;
      const shape = `${frame.method} ${Object.keys(frame.params ?? {}).sort()}`;
      shapes.set(shape, frame);
    }
  }
  return shapes;
}

/** Why each of them is refused. The page asks for none of them here, because none is advertised. */
const REFUSED: Readonly<Record<string, string>> = {
  "board.get": "dashboards are made by an agent's tools",
  "controlUi.sessionPullRequests.subscribe": "sessions have no repositories",
  "mentions.list": "one conversation has one user",
  "plugins.controlUi.list": "there are no plugins",
  "projects.list": "sessions have no projects",
  "session.discussion.info": "there are no chat channels to discuss in",
  "session.members.listEvidence": "sessions have no members",
  "sessions.catalog.list": "there are no other programs whose sessions could be continued",
  "sessions.github.options": "sessions have no repositories",
  "sessions.viewers.set": "who looks at a session is told to nobody",
  "taskSuggestions.list": "no agent suggests tasks",
};

const ifHere = folder === undefined ? test.skip : test;

ifHere(
  `recorded pages are refused only what does not exist here${folder === undefined ? ` (${NOT_HERE})` : ""}`,
  async () => {
    const shapes = shapesOf(folder ?? "");
    expect(shapes.size).toBeGreaterThan(75);
    await using rig = await startRig();
    const refused = new Set<string>();
    for (const { method, params } of shapes.values()) {
      // A connection each: a response that does not fit its schema then names its request.
      using client = await rig.client();
      try {
        await client.request(method, unseen(params));
      } catch (thrown) {
        if (!(thrown instanceof ResponseError)) throw thrown;
        refused.add(`${method}: ${String(thrown.error.message)}`);
      }
    }
    expect([...refused].sort()).toEqual(
      Object.keys(REFUSED)
        .map((name) => `${name}: unknown method: ${name}`)
        .sort(),
    );
  },
);

test("what recorded pages are refused is not advertised", () => {
  expect(Object.keys(REFUSED).filter((name) => methods.has(name))).toEqual([]);
});

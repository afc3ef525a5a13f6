import { expect, test } from "@jest/globals";
import { KeptMessages } from "../../../src/faces/openclaw/runs/kept-messages.ts";
import { noFault } from "../../support/relay/no-fault.ts";

test("the gateway starts with as many waiting messages as its streams and sessions allow", async () => {
  const value = (position: number) => ({
    ...{ sessionKey: "agent:main:main", content: [], caller: { name: "tester" }, ownKey: false },
    ...{ acceptedAt: 0, position },
  });
  const stored = Array.from({ length: 200_000 }, (_, at) => ({ key: `${at}`, value: value(at) }));
  const documents = {
    documents: async () => stored,
    document: async () => undefined,
    claim: async () => stored,
    async release() {},
    follow: () => () => {},
    saveDocument: async () => {},
    deleteDocument: async () => {},
  };
  const kept = await KeptMessages.load({ documents, fault: noFault });
  expect(kept.inOrder().length).toBe(200_000);
});

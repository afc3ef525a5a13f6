import { expect, test } from "@jest/globals";
import { CONTROL_UI, describeUi, openProfile } from "../support/browser/control-ui.ts";
import { startLeaderAndFollower } from "../support/nodes/leader-and-follower.ts";
import { describeWithRedis } from "../support/stores/redis.ts";
import { untilStored } from "../support/stores/stored-text.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";
import { ChatScript } from "../support/upstreams/chat-script.ts";

const newDirectory = temporaryDirectories();
const token = "a-shared-token-of-this-test";

describeWithRedis("a cluster", (redis) => {
  describeUi("in the Control UI", () => {
    /** Two nodes, of which one leads, and a browser profile at each. */
    async function start(directory: string, more: object = {}) {
      await using made = new AsyncDisposableStack();
      const data = { store: "sqlite", directory, shared: true };
      const nodes = made.use(
        await startLeaderAndFollower({
          ...{ redisUrl: redis().url, data, openclaw: { controlUi: CONTROL_UI } },
          ...more,
        }),
      );
      const atLeader = made.use(await openProfile(nodes.leader.url));
      const atFollower = made.use(await openProfile(nodes.follower.url));
      const stack = made.move();
      return { ...nodes, atLeader, atFollower, [Symbol.asyncDispose]: () => stack.disposeAsync() };
    }

    test("pages at two nodes show the same answer and what waits, and Stop and a reload work at the one that does not lead", async () => {
      await using up = await start(newDirectory());
      const [here, there] = [await up.atLeader.open(), await up.atFollower.open()];
      await here.composer.waitFor();
      await there.send("For both of us");
      const answer = new ChatScript(await up.upstream.request());
      answer.text("seen in");
      await Promise.all([here.untilAnswer("seen in"), there.untilAnswer("seen in")]);
      await here.send("And then");
      await there.untilText("And then");
      await here.shot("cluster-queued-leader");
      await there.shot("cluster-queued-follower");
      await there.page.reload({ waitUntil: "domcontentloaded" });
      await there.untilAnswer("seen in");
      await there.untilText("And then");
      answer.text(" both");
      await Promise.all([here.untilAnswer("seen in both"), there.untilAnswer("seen in both")]);
      await there.shot("cluster-reloaded-follower");
      await there.button("Stop generating").click();
      await answer.exchange.closed;
      const later = new ChatScript(await up.upstream.request());
      later.text("later").finish();
      for (const tab of [here, there]) {
        await tab.untilAnswer("later");
        await tab.settled();
        await tab.untilQuestions(["For both of us", "And then"]);
        expect(await tab.answers.allInnerTexts()).toEqual(["seen in both", "later"]);
        expect(tab.refused).toEqual([]);
      }
      await there.shot("cluster-stopped-follower");
      await here.shot("cluster-stopped-leader");
      expect(up.upstream.requests).toBe(2);
    });

    test("a page whose leading node is killed in mid-answer comes back signed in, shows what there was, and sends what was written meanwhile once", async () => {
      const directory = newDirectory();
      await using up = await start(directory, { auth: { token } });
      const tab = await up.atFollower.open("chat/main", token);
      await tab.send("Tell me a story");
      new ChatScript(await up.upstream.request()).text("Once upon a time");
      await tab.untilAnswer("Once upon a time");
      await untilStored(directory, "Once upon a time");
      tab.mayLoseItsGateway();
      up.leader.kill("SIGKILL");
      await up.leader.exit;
      await tab.untilText("Reconnecting");
      await tab.send("Once more");
      await tab.shot("cluster-killed-meanwhile");
      const later = new ChatScript(await up.upstream.request());
      later.text("They lived happily");
      await tab.untilText(/[Tt]he gateway stopped in the middle of this answer/);
      await tab.untilText("Once upon a time");
      await tab.shot("cluster-killed-back");
      later.finish();
      await tab.untilAnswer("They lived happily");
      await tab.settled();
      await tab.untilQuestions(["Tell me a story", "Once more"]);
      await tab.shot("cluster-killed-next");
      // With its device's token alone.
      const second = await up.atFollower.open();
      await second.untilAnswer("They lived happily");
      expect(up.upstream.requests).toBe(2);
      expect([...tab.refused, ...second.refused]).toEqual([]);
    });
  });
});

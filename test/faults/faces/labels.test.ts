/** The names of both faces in the log and in the metrics. */
import { expect, test } from "@jest/globals";
import { SOCKET_FACES } from "../../support/gateways/socket-faces.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { setUp } from "./set-up.ts";

test.each(SOCKET_FACES)(
  "%s is named in every line and metric of its streams, sockets and refusals",
  async (name, face) => {
    await using up = await setUp(face);
    up.client.ask("a");
    face.finish(face.begin(await up.upstream.request()));
    await up.client.end("a");
    up.client.send("no JSON");
    up.client.ws.close(1000);
    await up.client.closed;
    const line = (event: string) => up.gateway.log.lines.find((one) => one.event === event);
    await turnsUntil(() => line("connection"));
    expect(line("stream")).toMatchObject({ face: name, status: "completed" });
    expect(line("connection")).toMatchObject({ face: name, closeCode: 1000 });
    expect(line("refused")).toMatchObject({ where: name, code: "bad_frame" });
    const open = await up.connect();
    const metrics = await (await fetch(`${up.gateway.url}/metrics`)).text();
    for (const expected of [
      new RegExp(`^sluice_streams_ended_total\\{face="${name}",.*status="completed".*\\} 1$`, "m"),
      new RegExp(`^sluice_connections\\{face="${name}"\\} 1$`, "m"),
      new RegExp(`^sluice_connections_closed_total\\{face="${name}",close_code="1000"\\} 1$`, "m"),
      new RegExp(`^sluice_refusals_total\\{where="${name}",code="bad_frame"\\} 1$`, "m"),
    ]) {
      expect(metrics).toMatch(expected);
    }
    open.ws.terminate();
  },
);

import { expect, test } from "@jest/globals";
import OpenAI from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";
import { saidItem } from "../../../support/upstreams/responses-script.ts";
import { setUp } from "./set-up.ts";

test("OpenAI's own client streams a turn, and continues it by its id", async () => {
  await using up = await setUp();
  const socket = new ResponsesWS(new OpenAI({ apiKey: "sk-unused", baseURL: `${up.gateway.url}/v1` }));
  const types: string[] = [];
  const turn = async (fields: object, id: string) => {
    const completed = Promise.withResolvers<string>();
    socket.once("response.completed", ({ response }) => completed.resolve(response.id));
    socket.send({ type: "response.create", model: "responses", ...fields });
    const asked = await up.answer(id, [saidItem("Hi", "msg_1")]);
    return { asked, id: await completed.promise };
  };
  socket.on("event", ({ type }) => types.push(type));
  const { id } = await turn({ input: "one" }, "resp_1");
  const { asked } = await turn({ input: "two", previous_response_id: id }, "resp_2");
  expect(asked.input).toHaveLength(3);
  expect(types.slice(0, 5)).toEqual([
    "response.created",
    "response.output_item.added",
    "response.output_text.delta",
    "response.output_item.done",
    "response.completed",
  ]);
  socket.close();
});

test("OpenAI's own client gets a refusal as its error event, with the code", async () => {
  await using up = await setUp();
  const socket = new ResponsesWS(new OpenAI({ apiKey: "sk-unused", baseURL: `${up.gateway.url}/v1` }));
  const failed = Promise.withResolvers<Error>();
  socket.on("error", (error) => failed.resolve(error));
  socket.send({ type: "response.create", model: "no-such-model", input: "one" });
  expect((await failed.promise).message).toContain("no-such-model");
  socket.close();
});

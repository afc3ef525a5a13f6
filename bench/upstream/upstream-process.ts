import { answerRunner } from "../ipc.ts";
import { UpstreamServer } from "./upstream-server.ts";

const server = new UpstreamServer();

const questions = {
  listen: (port: number) => server.listen(port),
  report: (_: null) => server.report(),
  reset: (_: null) => server.reset(),
  hangUp: (_: null) => server.hangUp(),
};

/** Requests from the runner to the upstream. */
export type UpstreamQuestions = typeof questions;

answerRunner(questions);

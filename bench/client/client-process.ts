import { answerRunner, tellRunner } from "../ipc.ts";
import { type ChatJob, loadChats } from "./chat-load.ts";
import { holdIdle, type Idle, releaseIdle } from "./idle-sockets.ts";
import type { Job } from "./job.ts";
import { Load } from "./load.ts";
import { loadRequests, type RequestJob } from "./request-load.ts";

const questions = {
  run: (job: Job) => new Load(job, tellRunner).run(),
  hold: (idle: Idle) => holdIdle(idle),
  release: (_: null) => releaseIdle(),
  chats: (job: ChatJob) => loadChats(job),
  requests: (job: RequestJob) => loadRequests(job, tellRunner),
};

/** Requests from the runner to the client. */
export type ClientQuestions = typeof questions;

answerRunner(questions);

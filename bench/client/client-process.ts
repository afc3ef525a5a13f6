import { answerRunner, tellRunner } from "../ipc.ts";
import type { Job } from "./job.ts";
import { Load } from "./load.ts";

const questions = { run: (job: Job) => new Load(job, tellRunner).run() };

/** What the runner may ask the client. */
export type ClientQuestions = typeof questions;

answerRunner(questions);

/** Requests of Google's clients, and answers of its API. */

export const CONTENTS = { contents: [{ role: "user", parts: [{ text: "Hi" }] }] };

const asked = (method: string) => ({ path: `/v1beta/models/gemini:${method}`, body: CONTENTS });
export const STREAM = asked("streamGenerateContent?alt=sse");
/** Without `alt=sse` the answer is one JSON array. */
export const ARRAY = asked("streamGenerateContent");
export const WHOLE = asked("generateContent");
export const COUNT = asked("countTokens");

/** One `GenerateContentResponse`. */
export const piece = (text: string, finishReason?: string) => ({
  candidates: [{ content: { parts: [{ text }], role: "model" }, ...(finishReason && { finishReason }), index: 0 }],
  usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 9, thoughtsTokenCount: 4 },
  modelVersion: "gemini-test",
  responseId: "r1",
});

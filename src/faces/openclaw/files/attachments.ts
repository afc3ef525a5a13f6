import type { Attachment } from "../../../../protocol/openclaw/chat-params.ts";
import { OPENCLAW_ATTACHMENTS } from "../../../../protocol/openclaw/wire.ts";
import { type ReadFile, readFiles } from "../../chat/attached-files.ts";

/** Reads the files of a message, within OpenClaw's limits. Throws what `readFiles` throws. */
export const readAttachments = (attachments: readonly Attachment[] = []): readonly ReadFile[] =>
  readFiles(
    attachments.map(({ content, mimeType, fileName }) => ({
      content: typeof content === "string" ? content : "",
      mimeType,
      fileName,
    })),
    OPENCLAW_ATTACHMENTS,
  );

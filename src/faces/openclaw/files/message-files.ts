/** The files of stored messages: how histories name them, and how they are found again. */
import type { MessageFile } from "../../../core/ports/message-file.ts";
import type { TranscriptMessage, TranscriptPart } from "../../../core/ports/transcripts.ts";
import { fileBytes, type ReadFile } from "../../chat/attached-files.ts";

const ADDRESS = /^media:\/\/inbound\/([^/?#]+)-(\d{1,3})\.[a-z0-9]{1,16}$/;

const isFile = (part: TranscriptPart): part is ReadFile =>
  part.type === "image" || part.type === "document" || part.type === "textFile";

const filesOf = ({ content }: Pick<TranscriptMessage, "content">): readonly ReadFile[] => content.filter(isFile);

const typeOf = (part: ReadFile): string => (part.type === "textFile" ? "text/plain" : part.mimeType);

function extensionOf(part: ReadFile): string {
  if (part.type === "textFile") return "txt";
  return part.mimeType.replace(/^.*\//, "").replace(/[^a-z0-9]/g, "") || "bin";
}

/**
 * The fields of a message's `__openclaw` that name its files; clients fetch the bytes by `url`. The layout says that none
 * of them has a place within the text, so that the Control UI keeps the preview it drew until the picture has arrived.
 */
export function wireMedia({ id, content }: Pick<TranscriptMessage, "id" | "content">) {
  const media = filesOf({ content }).map((part, index) => ({
    url: `media://inbound/${encodeURIComponent(id)}-${index}.${extensionOf(part)}`,
    contentType: typeOf(part),
    kind: part.type === "image" ? "image" : "document",
    ...(part.fileName !== undefined && { fileName: part.fileName }),
    sizeBytes: fileBytes(part),
  }));
  if (media.length === 0) return {};
  const slots = media.flatMap(({ kind }, factIndex) => (kind === "image" ? [{ kind: "offloaded", factIndex }] : []));
  return { media, ...(slots.length > 0 && { mediaImageLayout: { slots } }) };
}

/** The message and the file's place in it that an address names; undefined for any other text. */
export function readAddress(source: string): { readonly messageId: string; readonly index: number } | undefined {
  const [, id, index] = ADDRESS.exec(source) ?? [];
  if (id === undefined) return undefined;
  try {
    return { messageId: decodeURIComponent(id), index: Number(index) };
  } catch {
    return undefined;
  }
}

/** A file of a message by its place. */
export function fileAt(message: Pick<TranscriptMessage, "content">, index: number): MessageFile | undefined {
  const part = filesOf(message)[index];
  if (!part) return undefined;
  const read = () => (part.type === "textFile" ? Buffer.from(part.text) : Buffer.from(part.base64, "base64"));
  const fileName = part.fileName ?? `picture.${extensionOf(part)}`;
  return { mimeType: typeOf(part), fileName, sizeBytes: fileBytes(part), read };
}

/** What an answer is based on, as each provider names it. */
import type { Source } from "../../core/dialect/dialect.ts";
import { asArray, asObject, asString, type JsonObject, type JsonValue } from "../../core/kernel/json.ts";
import { asCount } from "./token-counts.ts";

/** Only pages that a client may link to: a link of another scheme could run code in a page. */
const PAGE = /^https?:\/\//i;

function page(url: JsonValue | undefined, title: JsonValue | undefined): readonly Source[] {
  const address = asString(url);
  if (address === undefined || !PAGE.test(address)) return [];
  const name = asString(title);
  return [{ type: "url", url: address, ...(name && { title: name }) }];
}

/** A citation of Anthropic: of a page that its search found, of a search result in the request, or of an attached document. */
export function citedBy(citation: JsonObject | undefined): readonly Source[] {
  switch (citation?.type) {
    case "web_search_result_location":
      return page(citation.url, citation.title);
    case "search_result_location": {
      const source = asString(citation.source);
      const found = page(source, citation.title);
      if (found.length > 0 || source === undefined) return found;
      return [{ type: "document", id: source, title: asString(citation.title) || source, mimeType: "text/plain" }];
    }
    case "page_location":
    case "char_location":
    case "content_block_location": {
      const index = asCount(citation.document_index) ?? 0;
      const title = asString(citation.document_title);
      const mimeType = citation.type === "page_location" ? "application/pdf" : "text/plain";
      const named = title ? { title, fileName: title } : { title: `Document ${index + 1}` };
      return [{ type: "document", id: String(index), ...named, mimeType }];
    }
    default:
      return [];
  }
}

/** The pages in the result of a web search or fetch at Anthropic. */
export function foundPages(result: JsonValue | undefined): readonly Source[] {
  const items = Array.isArray(result) ? result : [result];
  return items.map(asObject).flatMap((item) => {
    if (item?.type === "web_search_result") return page(item.url, item.title);
    return item?.type === "web_fetch_result" ? page(item.url, asObject(item.content)?.title) : [];
  });
}

/** Annotations of OpenAI's texts. Chat Completions nests the fields of a page, Responses does not. */
export function annotated(annotations: JsonValue | undefined): readonly Source[] {
  return asArray(annotations)
    .map(asObject)
    .flatMap((annotation): readonly Source[] => {
      switch (annotation?.type) {
        case "url_citation": {
          const { url, title } = asObject(annotation.url_citation) ?? annotation;
          return page(url, title);
        }
        case "file_citation":
        case "container_file_citation":
        case "file_path": {
          const id = asString(annotation.file_id);
          const fileName = asString(annotation.filename);
          if (!id) return [];
          const mimeType = annotation.type === "file_citation" ? "text/plain" : "application/octet-stream";
          return [{ type: "document", id, title: fileName || id, mimeType, ...(fileName && { fileName }) }];
        }
        default:
          return [];
      }
    });
}

/** The pages that Perplexity and xAI list beside the choices, Perplexity in every chunk. */
export function listedPages({ citations, search_results: results }: JsonObject): readonly Source[] {
  if (citations === undefined && results === undefined) return [];
  const found = asArray(results).map(asObject);
  return [
    ...found.flatMap((result) => page(result?.url, result?.title)),
    ...asArray(citations).flatMap((citation) => page(citation, undefined)),
  ];
}

/** What Google's search, or a store of documents, found for an answer: `groundingMetadata`. */
export function grounded(metadata: JsonValue | undefined): readonly Source[] {
  return asArray(asObject(metadata)?.groundingChunks).flatMap((item) => {
    const chunk = asObject(item);
    const found = asObject(chunk?.web) ?? asObject(chunk?.retrievedContext);
    return page(found?.uri, found?.title);
  });
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text that can stand anywhere in HTML. */
export const escapeText = (text: string): string => text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? "");

/**
 * What desktop apps and browser extensions send as Origin: a scheme of their own and a host, such as `tauri://localhost` or
 * `chrome-extension://` and an id. The URL standard calls all of these origins opaque (`null`), so they are compared as text.
 */
const OWN_SCHEME =
  /^(?!(?:https?|wss?|ftp|file|data|blob|about|javascript):)[a-z][a-z0-9+.-]*:\/\/[A-Za-z0-9._-]+(?::\d{1,5})?$/;

/** Whether a text is the Origin of a desktop app or browser extension. */
export const isAppOrigin = (text: string): boolean => OWN_SCHEME.test(text);

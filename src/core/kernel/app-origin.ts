/**
 * Origins of desktop apps and browser extensions, which have a scheme of their own: `tauri://localhost`,
 * `chrome-extension://<id>`. The URL standard treats them as opaque, so they are compared as text.
 */
const OWN_SCHEME =
  /^(?!(?:https?|wss?|ftp|file|data|blob|about|javascript):)[a-z][a-z0-9+.-]*:\/\/[A-Za-z0-9._-]+(?::\d{1,5})?$/;

/** Whether a text is an origin of a desktop app or browser extension. */
export const isAppOrigin = (text: string): boolean => OWN_SCHEME.test(text);

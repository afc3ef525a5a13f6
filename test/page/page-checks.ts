/** What the tests ask of the page in the browser, as scripts, because the tests' own types know no document. */

/** The controls that have no name for people who cannot see them. */
export const NAMELESS = `(() => {
  const named = (one) => one.getAttribute("aria-label") || one.labels?.length || one.textContent.trim();
  return [...document.querySelectorAll("a, button, input, select, textarea, summary")]
    .filter((one) => one.checkVisibility() && !named(one))
    .map((one) => one.outerHTML);
})()`;

/** The contrast of each visible text with what is behind it (WCAG 2.2, 1.4.3: at least 4.5), disabled controls excepted. */
export const CONTRASTS = `(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const own = (one) => [...one.childNodes].filter(({ nodeType }) => nodeType === 3).map(({ data }) => data).join("").trim();
  return [...document.body.querySelectorAll("*")]
    .filter((one) => one.checkVisibility() && own(one) !== "" && !one.closest(":disabled, select, script, noscript"))
    .map((one) => {
      const [a, b] = [light(rgba(getComputedStyle(one).color)), light(behind(one))];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      return { ratio, text: own(one).slice(0, 40) };
    });
})()`;

/** The focused control: its name and the width of its outline in pixels; null when the focus has left the page. */
export const FOCUSED = `(() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const { outlineWidth, outlineStyle } = getComputedStyle(one);
  const name = one.getAttribute("aria-label") || one.id || one.textContent.trim();
  const text = one.matches("button:not([aria-label])") ? one.textContent.trim() : name;
  return { name: text, outlinePx: outlineStyle === "none" ? 0 : parseFloat(outlineWidth) };
})()`;

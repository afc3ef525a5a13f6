import type { BenchDocument } from "../figures/document.ts";
import { firstLatencyChart } from "./charts.ts";
import { drawChart, drawnOf, HEIGHT, WIDTH } from "./line-chart.ts";
import { describeMachine } from "./machine.ts";
import { CHART_STYLE } from "./style.ts";
import { escapeText } from "./text.ts";

const HEAD = 44;
const LEGEND = 28;

/** One plot for a README: how long events take through each row. Throws if `relay` was not measured. */
export function renderPlot(document: BenchDocument): string {
  const chart = firstLatencyChart(document);
  const drawn = drawnOf(chart);
  const room = WIDTH / drawn.length;
  const keys = drawn.map(({ name }, index) => {
    const left = Math.round(room * index + 12);
    const colour = `c${chart.colourOf(name)}`;
    return `<rect class="key ${colour}" x="${left}" y="6" width="16" height="4"/><text x="${left + 22}" y="12">${escapeText(name)}</text>`;
  });
  const height = HEAD + HEIGHT + LEGEND;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeText(chart.title)}">
<style>${CHART_STYLE}</style><rect width="100%" height="100%" fill="var(--page)"/>
<text x="12" y="18" class="axis">${escapeText(chart.title)}</text>
<text x="12" y="34">${escapeText(`${document.date.slice(0, 10)} · ${describeMachine(document.machine)}`)}</text>
<g transform="translate(0 ${HEAD})">${drawChart(chart)}</g>
<g transform="translate(0 ${HEAD + HEIGHT})">${keys.join("")}</g>
</svg>
`;
}

import { linearScale, logScale, nameScale, type Scale } from "./scale.ts";
import { escapeText } from "./text.ts";

export interface Dot {
  readonly x: number;
  readonly y: number;
  /** The spread of y. */
  readonly from?: number;
  readonly to?: number;
}

export interface Line {
  readonly name: string;
  readonly dots: readonly Dot[];
  /** Points are marked if there are few. */
  readonly marked?: boolean;
}

type Axis =
  | { readonly label: string; readonly kind: "linear" | "log" }
  | { readonly label: string; readonly names: readonly string[] };

export interface Chart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
  /** Colour numbers by line name, the same in all charts. */
  readonly colourOf: (name: string) => number;
}

export const WIDTH = 640;
export const HEIGHT = 300;
const LEFT = 56;
const RIGHT = 20;
const TOP = 12;
const BOTTOM = 44;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const PLOT_HEIGHT = HEIGHT - TOP - BOTTOM;

/** A chart as SVG with its title and legend; colours come from the page's style. */
export function renderChart(chart: Chart): string {
  const { title, colourOf } = chart;
  const keys = drawnOf(chart).map(({ name }) => `<span class="key c${colourOf(name)}">${escapeText(name)}</span>`);
  return `<figure><figcaption>${escapeText(title)}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeText(title)}">
${drawChart(chart)}
</svg><div class="legend">${keys.join("")}</div></figure>`;
}

/** The lines that have points. */
export const drawnOf = ({ lines }: Chart): Line[] => lines.filter(({ dots }) => dots.length > 0);

/** The content of the SVG: axes and lines. */
export function drawChart(chart: Chart): string {
  const { x, y, colourOf } = chart;
  const drawn = drawnOf(chart);
  const dots = drawn.flatMap((line) => line.dots);
  const across = scaleOf(
    x,
    dots.map((dot) => dot.x),
    PLOT_WIDTH,
  );
  const up = scaleOf(
    y,
    dots.flatMap((dot) => [dot.y, dot.to ?? dot.y]),
    PLOT_HEIGHT,
  );
  const place = (dot: Dot) => ({ left: LEFT + across.at(dot.x), top: TOP + PLOT_HEIGHT - up.at(dot.y) });
  return `${grid(across, up, x.label, y.label)}
${drawn.map((line) => renderLine(line, colourOf(line.name), place, up)).join("\n")}`;
}

function scaleOf(axis: Axis, values: readonly number[], length: number): Scale {
  if ("names" in axis) return nameScale(axis.names, length);
  return axis.kind === "log" ? logScale(values, length) : linearScale(values, length);
}

function grid(across: Scale, up: Scale, xLabel: string, yLabel: string): string {
  const bottom = TOP + PLOT_HEIGHT;
  const vertical = across.ticks.map(({ value, label }) => {
    const left = round(LEFT + across.at(value));
    return `<path class="grid" d="M${left} ${TOP}V${bottom}"/><text x="${left}" y="${bottom + 16}" text-anchor="middle">${escapeText(label)}</text>`;
  });
  const horizontal = up.ticks.map(({ value, label }) => {
    const top = round(bottom - up.at(value));
    return `<path class="grid" d="M${LEFT} ${top}H${LEFT + PLOT_WIDTH}"/><text x="${LEFT - 6}" y="${top + 4}" text-anchor="end">${escapeText(label)}</text>`;
  });
  return `${vertical.join("")}${horizontal.join("")}
<text x="${LEFT + PLOT_WIDTH / 2}" y="${HEIGHT - 8}" text-anchor="middle" class="axis">${escapeText(xLabel)}</text>
<text transform="translate(12 ${TOP + PLOT_HEIGHT / 2}) rotate(-90)" text-anchor="middle" class="axis">${escapeText(yLabel)}</text>`;
}

function renderLine(line: Line, colour: number, place: (dot: Dot) => { left: number; top: number }, up: Scale): string {
  const places = line.dots.map(place);
  const path = places.map(({ left, top }, index) => `${index === 0 ? "M" : "L"}${round(left)} ${round(top)}`).join("");
  const marks = line.marked
    ? places.map(({ left, top }) => `<circle cx="${round(left)}" cy="${round(top)}" r="3"/>`)
    : [];
  const spreads = line.dots.map((dot, index) => {
    const { left } = places[index] ?? { left: 0 };
    if (dot.from === undefined || dot.to === undefined) return "";
    const bottom = TOP + PLOT_HEIGHT;
    return `<path class="line" d="M${round(left)} ${round(bottom - up.at(dot.from))}V${round(bottom - up.at(dot.to))}"/>`;
  });
  return `<g class="c${colour}"><title>${escapeText(line.name)}</title><path class="line" d="${path}"/>${spreads.join("")}${marks.join("")}</g>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

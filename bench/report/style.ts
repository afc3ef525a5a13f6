/** One colour per row, distinguishable in both colour schemes and for most colour-blind readers. */
const COLOURS = [
  "#888888",
  "#56b4e9",
  "#009e73",
  "#e69f00",
  "#d55e00",
  "#cc79a7",
  "#0072b2",
  "#f0e442",
  "#7f5fc7",
  "#b15928",
];

const colours = COLOURS.map((colour, index) => `.c${index}{color:${colour}}`).join("");

/** The charts' part, for a stand-alone picture. */
export const CHART_STYLE = `
:root{color-scheme:light dark;--text:#1c1c1c;--dim:#666;--line:#ddd;--page:#fff}
@media (prefers-color-scheme:dark){:root{--text:#e8e8e8;--dim:#999;--line:#383838;--page:#151515}}
svg text{fill:var(--dim);font:11px system-ui,sans-serif}svg .axis{fill:var(--text)}
.grid{stroke:var(--line);stroke-width:1}.line{fill:none;stroke:currentColor;stroke-width:1.8}circle,.key{fill:currentColor}
${colours}
`;

export const STYLE = `
:root{color-scheme:light dark;--text:#1c1c1c;--dim:#666;--line:#ddd;--page:#fff}
@media (prefers-color-scheme:dark){:root{--text:#e8e8e8;--dim:#999;--line:#383838;--page:#151515}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--text);background:var(--page);max-width:1000px;margin:2rem auto;padding:0 1rem}
h1,h2,h3{line-height:1.25}h2{margin-top:2.5rem}h3{font-size:1rem;margin-bottom:.3rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:13px}
th,td{padding:.2rem .7rem .2rem 0;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap;font-weight:normal}
th:first-child{font-weight:600}
figure{margin:1rem 0;max-width:760px}figcaption{font-weight:600}
svg{width:100%;height:auto}svg text{fill:var(--dim);font-size:11px}svg .axis{fill:var(--text)}
.grid{stroke:var(--line);stroke-width:1}.line{fill:none;stroke:currentColor;stroke-width:1.8}circle{fill:currentColor}
.key{margin-right:1rem}.key::before{content:"";display:inline-block;width:1.1em;height:.25em;background:currentColor;margin-right:.4em;vertical-align:.25em}
${colours}
`;

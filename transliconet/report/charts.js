// Colours are variables of page.css: they change with the colour scheme, and print is dark on white.
const ink = "var(--ink)", quiet = "var(--quiet)", line = "var(--line)";
const font = "system-ui, 'Noto Sans', sans-serif";
const config = {
  background: "transparent",
  font: font,
  axis: {
    labelColor: ink, titleColor: quiet, domainColor: line, tickColor: line, gridColor: line,
    labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", gridOpacity: 0.6,
    labelLimit: innerWidth < 600 ? 130 : 240,
  },
  legend: {
    labelColor: ink, titleColor: quiet, labelFontSize: 12, titleFontSize: 12,
    titleFontWeight: "normal", labelLimit: 260,
  },
  title: {color: ink, subtitleColor: quiet, fontSize: 13},
  header: {labelColor: ink, titleColor: quiet, labelFontSize: 12},
  text: {color: ink}, rule: {color: quiet}, view: {stroke: null},
};
// "ast" interprets expressions: the page's policy forbids to evaluate text as code
const options = {
  mode: "vega-lite", renderer: "svg", actions: false, ast: true, defaultStyle: false, config,
  tooltip: {theme: "custom"},
};
// Vega-Lite itself can fit a chart to its container, but warns of every one whose height has steps.
const fitted = {
  ...options, patch: vega => ({...vega, autosize: {type: "fit-x", contains: "padding"}}),
};

// The panels of a figure get their widths, and fewer stand side by side where there is little room:
// as fit() of figure.py does for files.
function fit(spec, width, margin) {
  const layout = spec.usermeta.layout;
  const columns = Math.max(1, Math.min(layout.panels, Math.floor(width / layout.narrowest)));
  const ofPanel = Math.max(120, Math.floor(width / columns) - margin);
  spec.columns = columns;
  if (!layout.fixed)
    for (const panel of spec.concat) {
      panel.width = ofPanel;
      if (layout.square) panel.height = ofPanel;
    }
  if (layout.entry)
    spec.config = {legend: {columns: Math.max(1, Math.floor(width / layout.entry))}};
  return spec;
}

async function embedPanels(plot, spec) {
  const {margin, fixed} = spec.usermeta.layout, width = plot.clientWidth;
  const show = margin => vegaEmbed(plot, fit(structuredClone(spec), width, margin), options);
  const shown = await show(margin);
  const excess = plot.querySelector("svg").getBoundingClientRect().width - width;
  if (excess <= 0 || fixed) return shown;
  shown.finalize();  // labels of an axis are wider than expected
  return show(margin + Math.ceil(excess));
}

async function embed(plot, spec) {
  if (spec.usermeta?.layout) return embedPanels(plot, spec);
  if (spec.width !== "container") return vegaEmbed(plot, spec, options);
  const sized = {...structuredClone(spec), width: plot.clientWidth};
  return vegaEmbed(plot, sized, fitted);
}

async function draw(figure) {
  const spec = JSON.parse(figure.querySelector("script").textContent);
  const plot = figure.querySelector(".plot"), width = plot.clientWidth;
  const shown = await embed(plot, spec);
  figure.dataset.drawn = "yes";
  // Drawn anew at another width.
  let later;
  const changed = new ResizeObserver(() => {
    if (!plot.clientWidth || plot.clientWidth === width) return;
    figure.dataset.drawn = "no";
    clearTimeout(later);
    later = setTimeout(() => { changed.disconnect(); shown.finalize(); draw(figure); }, 200);
  });
  changed.observe(plot);
}
// A figure in a closed <details> has no width yet: it is drawn when it is first seen.
const seen = new ResizeObserver(entries => {
  for (const {contentRect, target} of entries)
    if (contentRect.width) { seen.unobserve(target); draw(target); }
});
for (const figure of document.querySelectorAll("figure.chart")) seen.observe(figure);

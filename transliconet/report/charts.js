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

async function drawPanels(figure, plot, spec) {
  const {margin, fixed} = spec.usermeta.layout, width = plot.clientWidth;
  const show = margin => vegaEmbed(plot, fit(structuredClone(spec), width, margin), options);
  let shown = await show(margin), later;
  const excess = plot.querySelector("svg").getBoundingClientRect().width - width;
  if (excess > 0 && !fixed) {  // labels of an axis are wider than expected
    shown.finalize();
    shown = await show(margin + Math.ceil(excess));
  }
  figure.dataset.drawn = "yes";
  const changed = new ResizeObserver(() => {
    if (!plot.clientWidth || plot.clientWidth === width) return;
    clearTimeout(later);
    later = setTimeout(() => {
      changed.disconnect(); shown.finalize(); drawPanels(figure, plot, spec);
    }, 200);
  });
  changed.observe(plot);
}

async function draw(figure) {
  const spec = JSON.parse(figure.querySelector("script").textContent);
  const plot = figure.querySelector(".plot"), fits = spec.width === "container";
  if (spec.usermeta?.layout) return drawPanels(figure, plot, spec);
  if (fits) spec.width = plot.clientWidth;
  const {view} = await vegaEmbed(plot, spec, fits ? fitted : options);
  figure.dataset.drawn = "yes";
  if (!fits) return;
  new ResizeObserver(() => {
    const width = plot.clientWidth;
    if (width && width !== view.width()) view.width(width).runAsync();
  }).observe(plot);
}
// A figure in a closed <details> has no width yet: it is drawn when it is first seen.
const seen = new ResizeObserver(entries => {
  for (const {contentRect, target} of entries)
    if (contentRect.width) { seen.unobserve(target); draw(target); }
});
for (const figure of document.querySelectorAll("figure.chart")) seen.observe(figure);

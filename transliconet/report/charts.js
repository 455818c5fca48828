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

async function draw(figure) {
  const spec = JSON.parse(figure.querySelector("script").textContent);
  const plot = figure.querySelector(".plot"), fits = spec.width === "container";
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

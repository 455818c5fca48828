// Tables sort by the column whose heading is pressed; the row "all" stays last.
for (const button of document.querySelectorAll("th button"))
button.addEventListener("click", () => {
  const head = button.closest("th"), body = head.closest("table").tBodies[0], at = head.cellIndex;
  const up = head.getAttribute("aria-sort") !== "ascending";
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const value = row => row.cells[at].dataset.value ?? row.cells[at].textContent;
  const rows = [...body.rows].filter(row => !row.classList.contains("all"));
  rows.sort((a, b) => {
    const [x, y] = [value(a), value(b)], order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
    return up ? order : -order;
  });
  body.prepend(...rows);
});
// A heat map of many scripts is read at twice its size; it scrolls then.
for (const button of document.querySelectorAll("button.enlarge"))
button.addEventListener("click", () => {
  const large = button.getAttribute("aria-pressed") !== "true";
  const svg = button.closest("figure").querySelector("svg");
  svg.style.width = large ? `${2 * svg.getAttribute("width")}px` : "";
  svg.style.height = large ? "auto" : "";
  button.setAttribute("aria-pressed", large);
});

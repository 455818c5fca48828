"""Report pages in a browser, on a desktop, on a phone and in the dark: no text covers another, nothing
is clipped, no error and no network.
"""

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.report.test_changes import record
from transliconet.probe.results import write_results
from transliconet.probe.sample import Sample
from transliconet.report.load import load_results
from transliconet.report.page import page
from transliconet.report.sweep import sweep_page
from transliconet.sweep.job import DONE, Job

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on the PATH (Debian: apt install chromium)"
)
DESKTOP, PHONE = 1280, 375
SCRIPTS = [
    *(
        "Arab",
        "Armn",
        "Beng",
        "Cans",
        "Cher",
        "Cyrl",
        "Deva",
        "Ethi",
        "Geor",
        "Grek",
        "Gujr",
        "Guru",
    ),
    *(
        "Hans",
        "Hant",
        "Hebr",
        "Jpan",
        "Khmr",
        "Knda",
        "Kore",
        "Laoo",
        "Latn",
        "Mlym",
        "Mong",
        "Mtei",
    ),
    *("Mymr", "Nkoo", "Olck", "Orya", "Sinh", "Syrc", "Taml", "Telu", "Thaa", "Thai", "Tibt"),
]
CHECKS = """() => {
  const found = {overlaps: [], clipped: [], dim: []};
  const light = colour => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(part => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  for (const svg of document.querySelectorAll("svg")) {
    const outer = svg.getBoundingClientRect();
    if (!outer.width) continue;
    const texts = [];
    for (const text of svg.querySelectorAll("text")) {
      const style = getComputedStyle(text), box = text.getBoundingClientRect();
      if (!text.textContent.trim() || !box.width || style.opacity === "0") continue;
      const name = text.textContent, size = parseFloat(style.fontSize);
      if (box.left < outer.left - 1 || box.right > outer.right + 1
          || box.top < outer.top - 1 || box.bottom > outer.bottom + 1) found.clipped.push(name);
      // a box is higher and wider than its letters
      texts.push({name, left: box.left + size / 5, right: box.right - size / 5,
                  top: box.top + size / 5, bottom: box.bottom - size / 5});
      if (text.closest(".role-axis, .role-legend, .role-title")) {
        const [a, b] = [light(style.fill), paper].sort((a, b) => b - a);
        if ((a + 0.05) / (b + 0.05) < 4.5) found.dim.push(name);
      }
    }
    for (let i = 0; i < texts.length; i++)
      for (let j = 0; j < i; j++) {
        const [a, b] = [texts[i], texts[j]];
        if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
          found.overlaps.push(a.name + " / " + b.name);
      }
  }
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) found.clipped.push("the page: " + root.scrollWidth);
  for (const figure of document.querySelectorAll("figure"))
    if (!figure.matches("[data-broad]") && figure.scrollWidth > figure.clientWidth + 1)
      found.clipped.push("a figure: " + figure.ariaLabel);
  return found;
}"""
DRAWN = """width => [...document.querySelectorAll("figure.chart")].every(figure => {
  const svg = figure.querySelector("svg");
  if (figure.dataset.drawn !== "yes" || !svg) return false;
  return figure.matches("[data-broad]") || svg.getBoundingClientRect().width <= width;
})"""
"""Whether every figure has been drawn at a width."""


@dataclass
class Seen:
    """A page, and what a browser said while it was open."""

    page: "Page"
    complaints: list[str] = field(default_factory=list)

    def open(self, file: Path) -> None:
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url))
        self.page.goto(file.as_uri())
        self.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")

    def _note(self, url: str) -> None:
        if not url.startswith(("file:", "data:", "blob:")):
            self.complaints.append(f"requests {url}")

    def check(self) -> dict[str, list[str]]:
        return self.page.evaluate(CHECKS)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def seen(browser: "Browser") -> Iterator[Seen]:
    opened = browser.new_page(viewport={"width": DESKTOP, "height": 900})
    yield Seen(opened)
    opened.close()


def make_sample(scripts: list[str], of_each: int) -> Sample:
    """Sentences of scripts; the first script has one only."""
    rng = np.random.default_rng(0)
    tags = [f"{'abcdefgh'[n]}aa_{script}" for script in scripts for n in range(of_each)]
    tags = tags[of_each - 1 :]
    vectors = {stage: rng.normal(size=(2, len(tags), 6)) for stage in ("before", "after")}
    texts = [f"שלום <b>{number}</b>" for number in range(len(tags))]
    return Sample(tags, texts, [f"shalom {number}" for number in range(len(tags))], vectors)


def make_report(folder: Path, scripts: list[str], of_each: int, curves: int) -> str:
    """The page of a run with scores, a map and curves."""
    stages: dict[str, list] = {"before": [], "after": []}
    for number, script in enumerate(scripts):
        for share, of_stage in zip((20, 60), stages.values(), strict=True):
            of_stage.append(record(f"aaa_{script}", share + number, 100))
    write_results(folder / "results.json", stages, {}, {"probe": {}})
    make_sample(scripts, of_each).save(folder)
    parts = [f"loss/part{number}" for number in range(curves)]
    lines = [",".join(["step", "loss", *parts, "probe/native→romanized"])]
    for step in range(30):
        lines.append(",".join([str(step * 1000), *["1234.5"] * (curves + 1), str(step / 30)]))
    (folder / "metrics.csv").write_text("\n".join(lines), encoding="utf-8")
    return page(load_results([folder]), "A report")


def make_sweep(folder: Path) -> str:
    """The page of forty jobs, some at one point."""
    rng = random.Random(0)
    jobs = []
    for number in range(40):
        x, y = round(rng.gauss(0.8, 0.02), 2), round(rng.gauss(0.6, 0.02), 2)
        found = {"native→romanized": y, "native→eng_Latn": x, "romanized→eng_Latn": y}
        settings = [
            f"optim.optimizer.lr={number % 7}e-4",
            f"objective.tcm.temperature=0.{number % 3}",
        ]
        settings.append(f"experiment={'a_rather_long_name' if number % 2 else 'short'}")
        jobs.append(Job(folder / str(number), settings, DONE, "", 1.0, found))
    return sweep_page(jobs, "A sweep")


MAKE = {
    "two languages": lambda folder: make_report(folder, ["Deva", "Grek"], 8, 2),
    "35 scripts": lambda folder: make_report(folder, SCRIPTS, 2, 5),
    "a sweep": make_sweep,
}
CLEAN: dict[str, list[Any]] = {"overlaps": [], "clipped": [], "dim": []}


def check_the_pointer(page: "Page") -> None:
    """It shows a sentence, its romanization and the line between both, at both stages."""
    lines = """[...document.querySelectorAll('.mark-rule line')]
      .filter(line => line.getAttribute('stroke-width') === '3').length"""
    assert page.evaluate(lines) == 0
    page.locator("figure.chart[aria-label^='Map'] .mark-symbol.role-mark path").last.hover()
    page.wait_for_selector("#vg-tooltip-element.visible")
    shown = page.inner_text("#vg-tooltip-element")
    assert "שלום <b>8</b>" in shown
    assert "shalom 8" in shown
    assert "Greek" in shown
    assert page.evaluate(lines) == 2
    page.mouse.move(0, 0)


def check_the_heat_map_is_enlarged(page: "Page") -> None:
    """By keyboard, and back; the page does not get wider."""
    button = page.locator("button.enlarge")
    svg = page.locator("figure:has(button.enlarge) svg")
    width = svg.bounding_box()["width"]  # type: ignore[index]
    for factor in (2, 1):
        button.press("Enter")
        assert svg.bounding_box()["width"] == pytest.approx(factor * width, abs=2)  # type: ignore[index]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("name", MAKE)
def test_a_page_on_a_desktop_in_the_dark_and_on_a_phone(
    name: str, seen: Seen, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(MAKE[name](tmp_path), encoding="utf-8")
    seen.open(file)
    seen.page.wait_for_function(DRAWN, arg=DESKTOP)
    assert seen.check() == CLEAN
    assert seen.page.locator("figure.chart svg").count() >= 2
    if name == "two languages":
        check_the_pointer(seen.page)
    if name == "35 scripts":
        check_the_heat_map_is_enlarged(seen.page)
    seen.page.emulate_media(color_scheme="dark")
    assert seen.check() == CLEAN
    background = "getComputedStyle(document.body).backgroundColor"
    assert seen.page.evaluate(background) != "rgb(255, 255, 255)"
    seen.page.set_viewport_size({"width": PHONE, "height": 700})
    seen.page.wait_for_function(DRAWN, arg=PHONE)
    assert seen.check() == CLEAN
    assert seen.complaints == []


BROKEN = """<!doctype html><body style="background: #fff">
<svg width="200" height="60" style="overflow: visible">
<text x="20" y="20">one</text><text x="25" y="22">two</text><text x="190" y="50">outside</text>
<g class="role-axis"><text x="100" y="20" fill="#ddd">dim</text></g></svg>
<figure class="chart" aria-label="broad" style="width: 50px; overflow: auto"><p style="width: 99px"></figure>
<div style="width: 2000px">broad</div><img src="http://example.invalid/x.png">
<script>console.error("complaint"); missing();</script>"""


def test_the_checks_see_what_is_broken(seen: Seen, tmp_path: Path) -> None:
    file = tmp_path / "broken.html"
    file.write_text(BROKEN, encoding="utf-8")
    seen.open(file)
    found = seen.check()
    assert found["overlaps"] == ["two / one"]
    assert found["dim"] == ["dim"]
    assert found["clipped"][0] == "outside"
    assert found["clipped"][1].startswith("the page: 20")
    assert found["clipped"][2] == "a figure: broad"
    assert "complaint" in seen.complaints
    assert "requests http://example.invalid/x.png" in seen.complaints
    assert any("missing is not defined" in line for line in seen.complaints)

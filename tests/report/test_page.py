"""The report page: everything in one file, right numbers, and it opens in a browser."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tests.report.test_changes import record as a_record
from tests.settings import raises
from transliconet.cli.report import report
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.probe.results import pairs_data, write_results
from transliconet.probe.retrieval import RetrievalProbe
from transliconet.probe.sample import Sample, script_similarities
from transliconet.probe.settings import Embedding
from transliconet.report.load import load_results
from transliconet.report.page_tables import metrics_table
from transliconet.report.tables import mexa_over_layers

CONFIG = {"probe": {"split": "heldout", "layer": "last"}}


@pytest.fixture(scope="module")
def run(
    encoder: Encoder,
    make_encoder: Callable[..., Encoder],
    cldr_pairs: PairsFolder,
    tmp_path_factory,
) -> Path:  # type: ignore[no-untyped-def]
    """What a run leaves: results of two stages, a sample, and curves."""
    folder = tmp_path_factory.mktemp("report") / "run"
    folder.mkdir()
    other = make_encoder(seed=1)
    probe = RetrievalProbe(embedding=Embedding(layer="all"))
    records = {"before": probe.run(encoder, cldr_pairs), "after": probe.run(other, cldr_pairs)}
    write_results(folder / "results.json", records, pairs_data(cldr_pairs), CONFIG)
    sample = Sample.draw(cldr_pairs)
    for stage, which in (("before", encoder), ("after", other)):
        sample.measure(stage, which)
    sample.save(folder)
    (folder / "metrics.csv").write_text(
        "step,loss,loss/tcm,lr,probe/native→romanized@1,probe/native→romanized@2\n"
        "0,2.0,1.0,0.1,0.1,0.2\n5,1.5,,0.1,,\n10,1.0,0.5,0.1,0.3,0.4\n",
        encoding="utf-8",
    )
    return folder


class Tags(HTMLParser):
    """Every tag must be closed, in order."""

    VOID = frozenset({"meta", "path", "use", "br", "image"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.links += [
            v
            for k, v in attrs
            if k in ("src", "href", "xlink:href") and not (v or "").startswith(("#", "data:"))
        ]

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_no_network(run: Path, tmp_path: Path) -> None:
    html, markdown = report([str(run)], str(tmp_path / "out" / "report"), "Greek & others")
    text = html.read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert tags.links == []
    # Vega's libraries can load things; the page's policy forbids it
    own = re.sub(r'<script type="module">.*?</script>', "", text, flags=re.DOTALL)
    assert not re.search(r"url\((?!#)|@import|<link", own)
    assert "default-src 'none'" in own
    assert len(text.encode()) < 5e6
    assert "<h1>Greek &amp; others</h1>" in text
    headings = re.findall("<h2>(.*?)</h2>", own)
    assert headings[:2] == ["By script", "Layers"]
    assert [heading for heading in headings if heading.startswith("Scores")] == [
        *("Scores by script", "Scores by language")
    ]
    assert headings[-1] == "Settings and versions"
    assert {"Training", "Scripts in the vector space"} <= set(headings)
    assert text.index("Romanized → native: ") < text.index("<h2>")  # the answer
    for stage, records in (("before", 0), ("after", 1)):
        column = load_results([run])[records]
        assert column.name == stage
        for record in column.records:
            assert f"<td>{100 * record.acc[1]:.1f}</td>" in text
    assert (
        own.count('<button type="button">') == own.count('<th scope="col"') - 3
    )  # every column but those of the sentences sorts
    assert 'lang="heb-Hebr" dir="auto"' in text
    assert "| heb_Hebr" in markdown
    # the training curve of the highest layer, and of no other
    assert '"task":"Native → romanized, layer 2"' in text
    assert '"task":"Native → romanized, layer 1"' not in text
    mean, most, layer = mexa_over_layers(load_results([run])[1].records)["native→romanized"][
        "heb_Hebr"
    ]
    assert f"<td>{100 * mean:.1f}</td><td>{100 * most:.1f}</td><td>{layer}</td></tr>" in text
    assert (tmp_path / "out" / "report.md").is_file()


CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
# Chromium's own window is never narrower than 500 pixels: the page stands in a frame.
PHONE = """<!doctype html><body><script>onmessage = e => document.body.dataset.found = JSON.stringify(e.data)</script>
<iframe src="instrumented.html" width="360" height="800"></iframe>"""
LOOK = """<script>
for (const fold of document.querySelectorAll("details")) fold.open = true;
const cells = at => [...table.tBodies[0].rows].map(row => row.cells[at].textContent);
const table = [...document.querySelectorAll("details.section")].find(d => d.textContent.includes("Scores by script")).querySelector("table"), buttons = table.querySelectorAll("button");
buttons[2].focus();
const found = {focused: document.activeElement === buttons[2]};
document.activeElement.click(); found.ascending = cells(2); found.names = cells(0);
document.activeElement.click(); found.descending = cells(2); found.sorted = buttons[2].closest("th").ariaSort;
buttons[0].click(); found.by_name = cells(0);
found.widths = [innerWidth, document.documentElement.scrollWidth];
found.letters = document.querySelector("[lang=heb-Hebr]").matches(":dir(rtl)");
parent.postMessage(found, "*");
</script></body>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_a_browser_sorts_it_and_a_phone_has_room_for_it(run: Path, tmp_path: Path) -> None:
    html, _ = report([str(run)], str(tmp_path / "report"), "title")
    # Vega, which is in the page, has such a tag in a string, too
    body, _, end = html.read_text(encoding="utf-8").rpartition("</body>")
    instrumented = body + LOOK + end
    (tmp_path / "instrumented.html").write_text(instrumented, encoding="utf-8")
    (tmp_path / "phone.html").write_text(PHONE, encoding="utf-8")
    quiet = ["gpu", "quic", "background-networking", "component-update", "sync"]
    options = [f"--disable-{what}" for what in quiet] + [
        "--headless",
        "--no-sandbox",
        "--no-first-run",
    ]
    profile, page = f"--user-data-dir={tmp_path / 'profile'}", (tmp_path / "phone.html").as_uri()
    done = subprocess.run(
        [str(CHROMIUM), *options, profile, "--virtual-time-budget=5000", "--dump-dom", page],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    # type: ignore[index]
    found = json.loads(unescape(re.search(r'data-found="([^"]*)"', done.stdout)[1]))
    after = {
        r.language.split("_")[1]: f"{100 * r.acc[1]:.1f}"
        for r in load_results([run])[0].records
        if (r.task, r.layer) == ("native→romanized", 2)
    }
    assert found["focused"]
    assert found["ascending"][:-1] == sorted(after.values(), key=float)
    assert dict(zip(found["names"][:-1], found["ascending"], strict=False)) == after
    assert found["names"][-1] == "all"
    assert found["descending"][:-1] == sorted(after.values(), key=float, reverse=True)
    assert found["sorted"] == "descending"
    assert found["by_name"] == [*sorted(after), "all"]
    assert found["widths"][0] == 360
    assert found["widths"][1] <= 360
    assert found["letters"]


def test_shares_among_the_metrics_are_in_percent_and_cosines_are_not(tmp_path: Path) -> None:
    of_greek = a_record("ell_Grek", 50, 100, metrics={"mexa": 0.375, "gap": 0.25})
    write_results(tmp_path / "results.json", {"probe": [of_greek]}, {}, {"probe": {}})
    table = metrics_table(load_results([tmp_path / "results.json"]))
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", table)
    task = "native→romanized, layer 8"
    assert cells == [task, "mexa (%)", "37.5", task, "gap", "0.250"]


def test_results_of_other_sentences_are_not_put_beside_each_other(
    run: Path, cldr_pairs: PairsFolder, tmp_path: Path
) -> None:
    records = load_results([run])[0].records
    for config in (
        {"probe": {"split": "all", "layer": "last"}},
        {"probe": {**CONFIG["probe"], "candidates": {"max": 7}}},
    ):
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
        write_results(file, {"probe": records}, pairs_data(cldr_pairs), config)
        with raises("TLN-DATA-901"):
            load_results([run, file])
        assert [c.name for c in load_results([run, file], force=True)][-1] == f"{file.stem}: probe"
    content = json.loads((run / "results.json").read_text(encoding="utf-8"))
    content["data"]["rows"] += 1
    other = tmp_path / "other.json"
    other.write_text(json.dumps(content), encoding="utf-8")
    with raises("TLN-DATA-901"):
        load_results([run, other])


def test_older_and_later_results_files(run: Path, tmp_path: Path) -> None:
    content = json.loads((run / "results.json").read_text(encoding="utf-8"))
    for record in content["records"]:
        del record["metrics"], record["mrr_ci95"]  # as the first version wrote them
    old = tmp_path / "old.json"
    old.write_text(json.dumps(content), encoding="utf-8")
    html, _ = report([str(old)], str(tmp_path / "old"), "old")
    assert "Scores by language" in html.read_text(encoding="utf-8")
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps({"records": content["records"]}), encoding="utf-8")
    assert "Scores by language" in report([str(bare)], str(tmp_path / "bare"), "bare")[0].read_text(
        encoding="utf-8"
    )
    with raises("TLN-DATA-901"):
        load_results([bare, old])
    del content["records"][0]["task"]
    bare.write_text(json.dumps(content), encoding="utf-8")
    with raises("TLN-DATA-605"):
        load_results([bare])
    later = tmp_path / "later.json"
    later.write_text(json.dumps({**content, "format": 99}), encoding="utf-8")
    with raises("TLN-DATA-604"):
        load_results([later])
    with raises("TLN-DATA-605"):
        load_results([tmp_path / "old.html"])
    with raises("TLN-CONFIG-952"):
        report([], "x", "x")


def test_a_sample_holds_both_views_and_survives_the_disk(
    run: Path, cldr_pairs: PairsFolder
) -> None:
    sample = Sample.load(run)
    assert sample is not None
    assert set(sample.vectors) == {"before", "after"}
    number = len(sample.texts)
    assert sample.vectors["before"].shape == (2, number, 32)
    assert 100 < number <= 300
    assert len(set(sample.languages)) == 5
    heldout = set(cldr_pairs.split("heldout")["text"].to_pylist())
    assert set(sample.texts) <= heldout
    assert Sample.load(run.parent) is None


def test_cosines_between_scripts_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2, 6, 4))
    sample = Sample(["rus_Cyrl", "ell_Grek"] * 3, [""] * 6, [""] * 6, {"before": vectors})
    names, means = script_similarities(sample, "before")
    assert names == ["Cyrl", "Grek", "romanized"]
    unit = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    assert means[0, 1] == pytest.approx(
        np.mean([unit[0, i] @ unit[0, j] for i in (0, 2, 4) for j in (1, 3, 5)]), abs=1e-6
    )
    assert means[0, 0] == pytest.approx(
        np.mean([unit[0, i] @ unit[0, j] for i in (0, 2, 4) for j in (0, 2, 4) if i != j]), abs=1e-6
    )
    assert means[2, 1] == pytest.approx(
        np.mean([unit[1, i] @ unit[0, j] for i in range(6) for j in (1, 3, 5)]), abs=1e-6
    )
    # one sentence alone tells nothing of the cosines within its script
    two = Sample(["rus_Cyrl", "ell_Grek"], [""] * 2, [""] * 2, {"before": vectors[:, :2]})
    assert np.isnan(script_similarities(two, "before")[1]).tolist() == [
        [True, False, False],
        [False, True, False],
        [False, False, False],
    ]

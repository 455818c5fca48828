"""Figures: their data, their size, and what a notebook gets of them."""

import json
import re
import sys
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import transliconet as tn
from tests.report.test_changes import STAGES
from tests.report.test_report import AFTER, BEFORE
from tests.settings import CliHere, raises
from transliconet.probe.results import write_results
from transliconet.probe.sample import Sample, script_similarities
from transliconet.report.colours import COLOURS, PAGE_VARIABLES, SHAPES, shape_and_colour
from transliconet.report.curves import MOST_POINTS, curve_rows, moving_average, training_curves
from transliconet.report.figure import fit, svg_size
from transliconet.report.heatmap import nearness_order, similarity_maps
from transliconet.report.labels import OFFSETS
from transliconet.report.layer_plot import layer_curves
from transliconet.report.plots import scores_by_script
from transliconet.report.projection import project
from transliconet.report.sample_map import script_maps

RNG = np.random.default_rng(0)


def sample(scripts: tuple[str, ...] = ("Cyrl", "Grek"), of_each: int = 3) -> Sample:
    """Sentences whose romanizations are nearer after training."""
    tags = [f"abc_{script}" for script in scripts for _ in range(of_each)]
    native = RNG.normal(size=(len(tags), 8))
    far = RNG.normal(size=(len(tags), 8))
    vectors = {"before": np.stack([native, far]), "after": np.stack([native, native + far / 9])}
    texts = [f"sentence {number}" for number in range(len(tags))]
    return Sample(tags, texts, [text.upper() for text in texts], vectors)


def test_stages_stand_beside_each_other_on_one_colour_scale() -> None:
    both = sample()
    spec = similarity_maps(both).to_dict()
    before, after = spec["concat"]
    assert [panel["title"] for panel in (before, after)] == ["before", "after"]
    domains = [
        panel["layer"][0]["encoding"]["color"]["scale"]["domain"] for panel in (before, after)
    ]
    matrices = [script_similarities(both, stage)[1] for stage in ("before", "after")]
    assert domains[0] == domains[1] == [np.min(matrices), np.max(matrices)]
    cells = spec["datasets"]["cells"]
    cell = next(row for row in cells if (row["row"], row["column"]) == ("Greek", "Cyrillic"))
    assert cell["cosine0"] == pytest.approx(matrices[0][1, 0], abs=1e-3)
    assert len(cells) == 9  # both scripts, and all romanized sentences
    assert len(before["layer"]) == 2  # with its numbers


def test_one_sentence_is_blank_and_many_scripts_have_no_numbers() -> None:
    scripts = (
        *("Arab", "Armn", "Beng", "Deva", "Ethi", "Geor", "Grek"),
        *("Gujr", "Guru", "Hebr", "Khmr", "Knda", "Kore", "Laoo"),
    )
    many = sample(scripts, 2)
    alone = Sample(
        [*many.languages, "abc_Thai"],
        [*many.texts, "x"],
        [*many.romanized, "x"],
        {stage: np.concatenate([v, v[:, :1]], axis=1) for stage, v in many.vectors.items()},
    )
    figure = similarity_maps(alone)
    cells = figure.datasets["cells"]
    blank = [(row["row"], row["column"]) for row in cells if "cosine0" not in row]
    assert blank == [("Thai", "Thai")]
    assert len(figure.to_dict()["concat"][0]["layer"]) == 1


def test_near_scripts_stand_together() -> None:
    names = ["Arab", "Beng", "Cyrl", "Deva", "romanized"]
    cosines = np.full((5, 5), 0.1)
    for one, other in ((0, 2), (1, 3)):
        cosines[one, other] = cosines[other, one] = 0.9
    order = nearness_order(names, [cosines])
    assert order[-1] == 4
    assert abs(order.index(0) - order.index(2)) == abs(order.index(1) - order.index(3)) == 1


def test_a_map_joins_the_halves_of_a_pair_and_shows_the_sentence() -> None:
    figure = script_maps(sample())
    spec = figure.to_dict()
    rows = spec["datasets"]["sentences"]
    assert len(rows) == 6
    assert rows[0]["text"] == "sentence 0"
    assert rows[0]["romanized"] == "SENTENCE 0"
    assert rows[0]["cosine1"] > rows[0]["cosine0"]
    lines, romanized, native = spec["concat"][1]["layer"]
    assert [lines["encoding"][end]["field"] for end in ("x", "y", "x2", "y2")] == [
        *("x1", "y1", "u1", "v1")
    ]
    shown = [channel["field"] for channel in native["encoding"]["tooltip"]]
    assert shown == ["script", "language", "text", "romanized", "cosine1"]
    legend = native["encoding"]["color"]["scale"]["domain"]
    assert legend == ["Cyrillic", "Greek", "romanized"]
    assert romanized["encoding"]["color"] == {"datum": "romanized"}
    # the pair stands out at every stage
    names = [panel["layer"][-1]["name"] for panel in spec["concat"]]
    assert [param["views"] for param in spec["params"]] == [names, names]
    assert "Mean cosine of the two:" in figure.description


def test_looks_differ() -> None:
    looks = {shape_and_colour(number) for number in range(len(COLOURS) * len(SHAPES))}
    assert len(looks) == 56


def test_projections(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = [RNG.normal(0, 0.1, (8, 5)) + 3 * center for center in np.eye(5)[:2]]
    vectors = np.concatenate(groups)
    for projection in ("pca", "tsne"):
        points = project(vectors, projection)
        assert points.shape == (16, 2)
        within = np.linalg.norm(points[:8] - points[:8].mean(0), axis=1).mean()
        between = np.linalg.norm(points[:8].mean(0) - points[8:].mean(0))
        assert between > 2 * within
    assert project(np.ones((3, 1))).shape == (3, 2)

    class Umap:
        def __init__(self, n_neighbors: int, metric: str, init: str, random_state: int) -> None:
            assert (n_neighbors, metric, random_state) == (15, "cosine", 0)

        def fit_transform(self, vectors: np.ndarray) -> np.ndarray:
            return vectors[:, :2]

    module = ModuleType("umap")
    module.UMAP = Umap  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "umap", module)
    assert project(vectors, "umap").shape == (16, 2)
    monkeypatch.setitem(sys.modules, "umap", None)
    with raises("TLN-CONFIG-923", naming="projection=umap"):
        project(vectors, "umap")
    with raises("TLN-CONFIG-001"):
        project(vectors, "lda")
    with raises("TLN-DATA-902"):
        project(vectors[:2])


def test_long_curves_are_smoothed_and_thinned() -> None:
    steps = np.arange(5000)
    curve = list(
        zip(steps.tolist(), (9 - steps / 1000 + RNG.normal(0, 1, 5000)).tolist(), strict=True)
    )
    rows = curve_rows(curve)
    assert len(rows) == MOST_POINTS
    assert rows[-1]["step"] == 4999
    trend = np.array([9 - row["step"] / 1000 for row in rows])
    errors = [np.std([row[key] for row in rows] - trend) for key in ("value", "smoothed")]
    assert errors[1] < errors[0] / 3
    line = np.linspace(3, 1, 50)
    np.testing.assert_allclose(moving_average(line), line)  # no bend at the ends


def test_each_part_of_the_loss_has_an_axis_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(
        "step,loss,loss/tcm,loss/mlm,lr,probe/native→romanized\n"
        "0,2.0,1.5,0.5,.1,0.1\n5,1.5,1.2,.3,.1,\n10,1.0,0.8,0.2,.1,0.3\n",
        encoding="utf-8",
    )
    figure = training_curves(tmp_path)
    assert figure is not None
    titles = [panel["title"] for panel in figure.to_dict()["concat"]]
    assert titles == ["loss, all parts", "tcm", "mlm", "Acc@1 of held-out pairs"]
    assert "loss/mlm from 0.5 to 0.2; Acc@1, Native → romanized from 10.0 % to 30.0 %" in (
        figure.description
    )
    assert training_curves(tmp_path / "none") is None


def test_scores_by_script_in_a_notebook_have_the_colours_of_a_white_page() -> None:
    figure = scores_by_script({"before": BEFORE, "after": AFTER})
    panel = figure.to_dict()["concat"][0]
    assert panel["title"] == "Native → romanized"
    assert "var(--series-1)" in json.dumps(panel)
    on_white = json.dumps(figure.spec())
    assert "var(" not in on_white
    assert COLOURS[0] in on_white
    assert "Native → romanized 23.3 % before, 76.7 % after" in figure.description
    with raises("TLN-CONFIG-001", naming="task=x"):
        scores_by_script({"before": BEFORE}, ["x"])
    assert layer_curves({"before": BEFORE, "after": AFTER}) is None


def test_variables_of_the_page_have_the_colours_of_its_style() -> None:
    style = (files("transliconet.report") / "page.css").read_text(encoding="utf-8")
    light = style[: style.index("@media")]
    for variable, colour in PAGE_VARIABLES.items():
        found = re.search(rf"{variable}: (#\w+);", light)
        assert found
        assert found[1] == colour


def test_panels_fit_a_width() -> None:
    spec = script_maps(sample()).to_dict()
    wide = fit(json.loads(json.dumps(spec)), 960)
    assert (wide["columns"], wide["concat"][0]["width"]) == (2, 456)
    narrow = fit(spec, 343)
    assert (narrow["columns"], narrow["concat"][1]["width"]) == (1, 319)
    assert narrow["concat"][1]["height"] == 319
    assert fit(spec, 455, narrow=0.65)["columns"] == 2


def test_a_notebook_shows_it_and_papers_get_files_of_their_size(tmp_path: Path) -> None:
    figure = tn.plot_maps(
        {
            "before": {"a": np.eye(4), "b": np.eye(4)[::-1]},
            "after": {"a": np.eye(4), "b": np.eye(4)},
        },
        background="b",
    )
    shown = figure._repr_mimebundle_()
    spec = shown["application/vnd.vegalite.v6+json"]
    assert [panel["title"] for panel in spec["concat"]] == ["before", "after"]
    assert shown["image/svg+xml"].startswith("<svg ")
    colours = spec["concat"][0]["layer"][0]["encoding"]["color"]["scale"]
    assert colours == {"domain": ["a", "b"], "range": [COLOURS[0], "#9a9a9a"]}
    for size in ((400, 300), (234, None)):
        width, height = svg_size(figure.svg(*size))
        assert abs(width - size[0]) <= 2
        assert size[1] is None or abs(height - size[1]) <= 2
    figure.save(tmp_path / "map.pdf", 234)
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ", (tmp_path / "map.pdf").read_bytes())
    assert box
    assert abs(float(box[1]) - 234) <= 2


def test_figures_of_a_report_as_files(tmp_path: Path, cli_here: CliHere) -> None:
    write_results(tmp_path / "results.json", STAGES, {}, {})
    sample().save(tmp_path)
    options = ["format=[csv,svg]", "out=paper", "figure.width=455"]
    done = cli_here("report", f"results={tmp_path}", *options)
    assert done.status == 0, done.err
    assert done.out.rstrip().endswith("written: paper.csv and paper_*.svg")
    written = sorted(path.name for path in Path().glob("paper*"))
    assert written == ["paper.csv", "paper_cosines.svg", "paper_map.svg", "paper_scripts.svg"]
    assert cli_here("report", f"results={tmp_path}", *options).status == 0  # replaces its own
    Path("paper_map.svg").write_text("mine", encoding="utf-8")
    assert "TLN-CONFIG-226" in cli_here("report", f"results={tmp_path}", *options).err
    refused = {
        "figure.width=-1": "figure.width=-1: not a usable number",
        "projection=lda": "projection=lda: not a known choice",
    }
    for option, message in refused.items():
        assert message in cli_here("report", f"results={tmp_path}", option).err


def test_offsets_are_told_apart() -> None:
    assert len(set(OFFSETS)) == len(OFFSETS)

"""Every notebook runs from top to bottom, on CLDR names, without network; what is committed is text
and code alone.
"""

import ast
import json
import re
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
FEW = {"languages": ["ell_Grek", "eng_Latn", "heb_Hebr", "rus_Cyrl"], "kinds": ["territories"]}
SMALL = {
    "01_pairs": {**FEW, "example": "territories/GR"},
    "02_train": {**FEW, "vocab_size": 900, "steps": 4, "batch_size": 16, "probe_every": 2},
    "03_alignment": {**FEW, "steps": 2, "batch_size": 16},
    "04_vocabulary": {**FEW, "vocab_size": 1500, "examples": 4},
    "05_sweep": {
        **FEW,
        "vocab_size": 900,
        "steps": 2,
        "batch_size": 16,
        "temperatures": [-1, 0.05],
        "similarities": ["dot"],
    },
    "06_transfer": {**FEW, "kinds": ["territories", "currencies"], "steps": 2, "batch_size": 16},
}
MOST_LINES_OF_A_FUNCTION = 3
names = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


def cells(notebook: Path, kind: str) -> list[dict]:
    content = json.loads(notebook.read_text(encoding="utf-8"))
    return [cell for cell in content["cells"] if cell["cell_type"] == kind]


def outputs(executed: Path) -> list[dict]:
    """All that the notebook's cells show; no warning or bar is among it."""
    found = [output for cell in cells(executed, "code") for output in cell["outputs"]]
    assert [output for output in found if output.get("name") == "stderr"] == []
    return found


def shown(executed: Path) -> str:
    """The same as one string."""
    return json.dumps(outputs(executed), ensure_ascii=False)


def figures(executed: Path) -> int:
    """How many pictures it shows."""
    formats = [" ".join(output.get("data", {})) for output in outputs(executed)]
    return sum("image/" in of_output for of_output in formats)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Executes a notebook with small parameters in an empty folder; returns the executed copy."""
    papermill = pytest.importorskip("papermill")
    pytest.importorskip("ipykernel")
    for name, value in {"IPYTHONDIR": str(tmp_path / "ipython"), "OMP_NUM_THREADS": "1"}.items():
        monkeypatch.setenv(name, value)

    def execute(name: str, **parameters: object) -> Path:
        source, out = next(n for n in NOTEBOOKS if n.stem == name), tmp_path / f"{name}.ipynb"
        papermill.execute_notebook(
            source,
            out,
            {**SMALL[name], **parameters},
            cwd=tmp_path,
            kernel_name="python3",
            progress_bar=False,
        )
        return out

    return execute


def test_there_are_small_parameters_for_every_notebook() -> None:
    assert {n.stem for n in NOTEBOOKS} == set(SMALL)


def test_pairs(run) -> None:  # type: ignore[no-untyped-def]
    text = shown(run("01_pairs"))
    assert "Ελλάδα" in text
    assert "Ellada" in text
    assert "image/" in text
    assert '<td dir=\\"auto\\"' in text


# type: ignore[no-untyped-def]
def test_train_and_compare_what_it_left(run, tmp_path: Path) -> None:
    executed = run("02_train")
    assert figures(executed) == 2  # curves, and before and after
    assert "native→eng_Latn" in shown(executed)
    trained = (tmp_path / "work/run/export/model.safetensors").stat().st_mtime_ns
    executed = run("03_alignment")
    assert (tmp_path / "work/run/export/model.safetensors").stat().st_mtime_ns == trained
    assert figures(executed) == 4  # scores, map, and cosines twice
    assert "Мадагаскар → Madagaskar" in shown(executed)


def test_transfer(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    text = shown(run("06_transfer"))
    assert (tmp_path / "work/run/export").is_dir()
    assert "romanized - native" in text
    assert "rus_Cyrl" in text


def test_vocabulary(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    executed = run("04_vocabulary")
    assert figures(executed) == 1
    text = shown(executed)
    assert "already_a_subword" in text
    assert "Cyrl" in text
    assert (tmp_path / "work/transmi/tokenizer.json").is_file()


def run_here(notebook: Path, **parameters: object) -> dict[str, object]:
    """Execute a notebook's cells in this process and folder: nothing is shown, and no kernel has to
    import everything again.

    Returns:
        The variables that it leaves.
    """
    variables: dict[str, object] = {}
    for cell in cells(notebook, "code"):
        exec("".join(cell["source"]), variables)
        if "parameters" in cell["metadata"].get("tags", []):
            variables.update(parameters)
    return variables


def test_sweep_and_the_command_at_its_end(  # type: ignore[no-untyped-def]
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed = run("05_sweep")
    text = shown(executed)
    assert "1 of 2 jobs done" in text  # the second runs though the first fails
    assert "objective.tcm.temperature=-1" in text
    assert figures(executed) == 1
    assert "romanized→eng_Latn" in text
    assert "job 1: objective.tcm.temperature=0.05" in text

    markdown = ["".join(cell["source"]) for cell in cells(executed, "markdown")]
    command = next(text for text in markdown if "papermill" in text)
    given = dict(re.findall(r"-p (\w+) (\S+)", command))
    assert set(given) == {"before", "after", "pairs_folder", "languages"}
    assert given.pop("languages") == "None"
    given["after"] = given["after"].replace("/0/", "/1/")  # job 0 failed
    (compared,) = [notebook for notebook in NOTEBOOKS if f"{notebook.name} " in command]
    own = {"languages": None, "sentence": "Θάλασσα", "candidates": 20}
    monkeypatch.chdir(tmp_path)
    found = run_here(compared, **given, **own)["records"]
    assert isinstance(found, dict)
    assert {record.language for record in found["after"]} == {"ell_Grek", "heb_Hebr", "rus_Cyrl"}
    assert not (tmp_path / "work/run").exists()  # the folders that were given are compared


@names
def test_what_is_committed_has_no_outputs(notebook: Path) -> None:
    for cell in cells(notebook, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@names
def test_one_cell_has_the_parameters_and_only_plain_values(notebook: Path) -> None:
    tagged = [
        cell for cell in cells(notebook, "code") if "parameters" in cell["metadata"].get("tags", [])
    ]
    assert len(tagged) == 1
    body = ast.parse("".join(tagged[0]["source"])).body
    assigned: dict[str, object] = {}
    for line in body:
        assert isinstance(line, ast.Assign)
        (target,) = line.targets
        assert isinstance(target, ast.Name)  # of a tuple papermill sees no parameter
        assigned[target.id] = ast.literal_eval(line.value)
    known = pytest.importorskip("papermill").inspect_notebook(str(notebook))
    assert set(known) == set(assigned)
    assert set(SMALL[notebook.stem]) <= set(assigned)
    assert assigned["work"] == "work"


@names
def test_the_logic_is_in_the_package(notebook: Path) -> None:
    for cell in cells(notebook, "code"):
        for node in ast.walk(ast.parse("".join(cell["source"]))):
            assert not isinstance(node, ast.ClassDef)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno - node.lineno < MOST_LINES_OF_A_FUNCTION
        assert len("".join(cell["source"]).splitlines()) <= 30

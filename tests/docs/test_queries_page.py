"""What the page about romanized queries says is run, on an encoder that is there."""

import shlex
from pathlib import Path

from tests.settings import CliHere
from transliconet.probe.results import read_results

PAGE = Path(__file__).parents[2] / "docs" / "queries.md"


def blocks() -> list[tuple[str, str]]:
    """Language and text of each block, in order."""
    parts = PAGE.read_text(encoding="utf-8").split("```")[1::2]
    return [tuple(part.split("\n", 1)) for part in parts]  # type: ignore[misc]


def test_the_page_from_measuring_to_searching(
    cli_here: CliHere, encoder_folder: Path, tmp_path: Path
) -> None:
    """All but the training: the encoder stands in for the untouched and for the trained one."""
    (tmp_path / "e5-small").symlink_to(encoder_folder)
    (tmp_path / "runs/search").mkdir(parents=True)
    (tmp_path / "runs/search/export").symlink_to(encoder_folder)
    names: dict = {}
    done = []
    for language, text in blocks():
        if language == "py":
            exec(text, names)
            continue
        for line in text.splitlines():
            _, command, *overrides = shlex.split(line)
            if command == "probe":
                overrides.append("probe.romanizer=greek-typed")  # uroman takes seconds to load
            if command in ("probe", "compare"):
                finished = cli_here(command, *overrides)
                assert finished.status == 0, finished.err
                done.append(command)
    assert done == ["probe", "probe", "compare"]
    views = {record.source_view: record.n for record in read_results("before.json")["probe"]}
    assert views == {"native": 2, "romanized": 2, "noisy": 2, "half": 2, "human": 1}
    assert Path("documents.faiss").is_file()
    for ids in names["found"].values():
        assert set(ids) < set(names["documents"])

"""Output folders: only a folder of the same kind is replaced, one process writes it, it appears
whole.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.settings import raises
from transliconet import outputs
from transliconet.errors import ConfigError, DataError, StorageError
from transliconet.output_file import output_file
from transliconet.outputs import (
    RESULT,
    claimed_folder,
    is_kind,
    new_folder,
    output_folder,
    resumable_folder,
)

FORK = multiprocessing.get_context("fork")


def make(out: Path, name: str = "file", overwrite: bool = False) -> None:
    with new_folder(out, "export", overwrite) as folder:
        (folder / name).write_text("content")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def killed_in(function: Callable[[], object]) -> None:
    process = FORK.Process(target=function)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_folder_appears_whole_with_its_marker(tmp_path: Path) -> None:
    make(tmp_path / "new" / "out")
    assert names(tmp_path / "new") == ["out"]
    assert names(tmp_path / "new" / "out") == [".transliconet.json", "file"]
    assert is_kind(tmp_path / "new" / "out", "export")
    assert not is_kind(tmp_path / "new" / "out", "pairs")


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with new_folder(tmp_path / "out", "export"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert names(tmp_path) == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_not_ours_stays(tmp_path: Path, overwrite: bool) -> None:
    thesis = tmp_path / "out" / "thesis.tex"
    thesis.parent.mkdir()
    thesis.write_text("years")
    with pytest.raises(ConfigError) as error:
        make(tmp_path / "out", overwrite=overwrite)
    assert error.value.code == "TLN-CONFIG-223"
    assert thesis.read_text() == "years"
    assert names(tmp_path) == ["out"]


def test_a_folder_of_another_kind_stays(tmp_path: Path) -> None:
    make(tmp_path / "out")
    with pytest.raises(ConfigError) as error:
        output_folder(tmp_path / "out", "pairs", overwrite=True)
    assert error.value.code == "TLN-CONFIG-223"


@pytest.mark.parametrize("marker", ["[]", "{", "null", "\udcff", '{"kind": ["export"]}'])
def test_a_damaged_marker_is_none(tmp_path: Path, marker: str) -> None:
    make(tmp_path / "out")
    raw = marker.encode(errors="surrogateescape")
    (tmp_path / "out" / ".transliconet.json").write_bytes(raw)
    assert not is_kind(tmp_path / "out", "export")


def test_a_folder_of_the_same_kind_is_replaced_when_asked(tmp_path: Path) -> None:
    make(tmp_path / "out", "old")
    with pytest.raises(ConfigError) as error:
        make(tmp_path / "out")
    assert error.value.code == "TLN-CONFIG-224"
    make(tmp_path / "out", "new", overwrite=True)
    assert names(tmp_path / "out") == [".transliconet.json", "new"]
    assert names(tmp_path) == ["out"]


def test_an_empty_folder_is_replaced_when_asked(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigError) as error:
        make(tmp_path / "out")
    assert error.value.code == "TLN-CONFIG-224"
    make(tmp_path / "out", overwrite=True)
    assert is_kind(tmp_path / "out", "export")
    (tmp_path / "run").mkdir()
    with claimed_folder(tmp_path / "run", "run") as folder:
        assert is_kind(folder, "run")


@pytest.mark.parametrize("left", [(".lock",), (".lock", "..transliconet.json.partial")])
def test_a_kill_before_the_marker_is_written_leaves_a_free_folder(
    tmp_path: Path, left: tuple[str, ...]
) -> None:
    for name in left:
        (tmp_path / name).touch()
    with claimed_folder(tmp_path, "run") as folder:
        assert is_kind(folder, "run")
    assert "..transliconet.json.partial" not in names(tmp_path)


def test_links_files_and_the_working_folder_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "out")
    (tmp_path / "link").symlink_to("out")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "file").touch()
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    before = names(tmp_path)
    for out, code in {
        "../link": "TLN-CONFIG-220",
        "../dangling": "TLN-CONFIG-220",
        "../dangling/": "TLN-CONFIG-220",
        ".": "TLN-CONFIG-221",
        "": "TLN-CONFIG-221",
        "..": "TLN-CONFIG-221",
        "/": "TLN-CONFIG-221",
        "~": "TLN-CONFIG-221",
        "../file": "TLN-CONFIG-222",
    }.items():
        with pytest.raises(ConfigError) as error:
            make(Path(out), overwrite=True)
        assert error.value.code == code, out
    with pytest.raises(StorageError) as below_a_file:
        make(Path("../file/out"))
    assert below_a_file.value.code == "TLN-STORAGE-223"
    assert names(tmp_path) == before


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with new_folder(tmp_path / "out", "export"):
        with pytest.raises(StorageError) as error:
            make(tmp_path / "out")
        assert error.value.code == "TLN-STORAGE-227"
    make(tmp_path / "out", overwrite=True)


def test_a_kill_between_the_two_renames_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "out", "old")

    def killed() -> None:
        rename = Path.rename
        monkeypatch.setattr(Path, "rename", lambda a, b: die() if b.name == "out" else rename(a, b))
        make(tmp_path / "out", "new", overwrite=True)

    killed_in(killed)
    assert not (tmp_path / "out").exists()
    with pytest.raises(ConfigError) as error:
        make(tmp_path / "out")
    assert error.value.code == "TLN-CONFIG-224"
    assert (tmp_path / "out" / "old").exists()
    make(tmp_path / "out", "new", overwrite=True)
    assert names(tmp_path) == ["out"]


def work(out: Path, plan: str, step: Callable[[Path], object]) -> None:
    with resumable_folder(out, "pairs", {"plan": plan}) as folder:
        step(folder)
        (folder / RESULT).mkdir()


def test_an_interrupted_folder_is_gone_on_with_under_the_same_plan(tmp_path: Path) -> None:
    def half(folder: Path) -> None:
        (folder / "half").touch()
        die()

    killed_in(lambda: work(tmp_path / "out", "a", half))
    found: list[list[str]] = []
    interrupted = tmp_path / ".out.partial"
    assert (interrupted / "half").exists()
    work(tmp_path / "out", "a", lambda folder: found.append(names(folder)))
    assert found == [["half", outputs.PLAN]]
    assert names(tmp_path) == ["out"]


def test_another_plan_starts_anew_and_bad_input_leaves_nothing(tmp_path: Path) -> None:
    def half(folder: Path) -> None:
        (folder / "half").mkdir()
        die()

    killed_in(lambda: work(tmp_path / "out", "a", half))
    found: list[list[str]] = []

    def refuse(folder: Path) -> None:
        found.append(names(folder))
        raise DataError("lines", "none", "Give some", code="TLN-DATA-999")

    with pytest.raises(DataError):
        work(tmp_path / "out", "b", refuse)
    assert found == [[outputs.PLAN]]
    assert names(tmp_path) == []


def test_a_claimed_folder_keeps_what_is_written(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with claimed_folder(out, "run") as folder:
        (folder / "first").touch()
        with pytest.raises(StorageError) as error, claimed_folder(out, "run", resume=True):
            pass
        assert error.value.code == "TLN-STORAGE-227"
    with pytest.raises(ConfigError) as taken, claimed_folder(out, "run"):
        pass
    assert taken.value.code == "TLN-CONFIG-224"
    with claimed_folder(out, "run", resume=True) as folder:
        assert (folder / "first").exists()
    with claimed_folder(out, "run", overwrite=True) as folder:
        assert names(folder) == [".lock", ".transliconet.json"]


def test_only_a_file_of_the_same_kind_is_replaced(tmp_path: Path) -> None:
    def check(name: str, overwrite: bool = True) -> str:
        with pytest.raises(ConfigError) as error:
            output_file(tmp_path / name, "report", "<!-- ours -->", overwrite)
        return error.value.code

    assert output_file(tmp_path / "new", "report", "<!-- ours -->")
    (tmp_path / "thesis").write_text("years")
    (tmp_path / "ours").write_text("<!-- ours -->\nnumbers")
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, overwrite, code in (
        ("thesis", True, "TLN-CONFIG-226"),
        ("thesis", False, "TLN-CONFIG-226"),
        ("pipe", True, "TLN-CONFIG-226"),
        ("folder", True, "TLN-CONFIG-225"),
        ("ours", False, "TLN-CONFIG-227"),
        ("empty", False, "TLN-CONFIG-227"),
    ):
        assert check(name, overwrite) == code, name
    for name in ("ours", "empty"):
        assert output_file(tmp_path / name, "report", "<!-- ours -->", overwrite=True)


def test_a_place_that_cannot_be_written_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with raises("TLN-STORAGE-223"):
        output_folder(tmp_path / "file" / "a" / "b", "export")
    with raises("TLN-STORAGE-223"):
        output_file(tmp_path / "file" / "a", "report", "")
    output_folder(tmp_path / "new" / "a" / "b", "export")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    with raises("TLN-STORAGE-221"):
        output_folder(tmp_path / "new" / "a" / "b", "export")
    with raises("TLN-STORAGE-221"):
        output_file(tmp_path / "a", "report", "")
    assert names(tmp_path) == ["file"]

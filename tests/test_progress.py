"""Progress: on stderr, once, with an estimate; nothing where it is not asked for."""

import io
import sys
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from transliconet import progress
from transliconet.model.embed import embed
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.probe.retrieval import RetrievalProbe
from transliconet.probe.settings import Candidates
from transliconet.progress import Progress, progress_shown, say, tracked


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    monkeypatch.setattr(progress, "BAR_DELAY", 0.0)


def test_nothing_is_printed_unless_it_is_switched_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(tracked("ab", "work", 2)) == ["a", "b"]
    say("loading")
    assert capsys.readouterr() == ("", "")


def test_lines_where_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_shown(), Progress("work", 2000) as shown:
        shown.advance(1000)
        shown.advance_to(1500)
        shown.advance_to(1500)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "work: 1,000 of 2,000 texts",
        "work: 1,500 of 2,000 texts, 0 s left",
    ]


def test_the_estimate_counts_what_this_process_did(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what an earlier one did, nor what is loaded before the first unit."""
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with Progress("work", 100, "lines", done=50) as shown:
        now += 1000
        shown.advance(2)
        assert shown.line(now) == "work: 52 of 100 lines"
        now += 30
        shown.advance(8)
        assert shown.line(now) == "work: 60 of 100 lines, 2 min left"
    assert Progress("scan", unit="lines").line(3) == "scan: 0 lines"


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_shown():
        for _ in tracked("abc", "work", 3):
            say("above it")
    assert "work:   0%" in terminal.getvalue()
    assert terminal.getvalue().count("above it\n") == 3


def test_work_within_other_work_is_not_shown_twice(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_shown(), Progress("outer", 4) as outer:
        for _ in tracked("ab", "inner", 2):
            pass
        assert outer.done == 2
    assert "inner" not in capsys.readouterr().err


def test_further_processes_of_a_run_show_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    with progress_shown():
        list(tracked("ab", "work", 2))
        say("loading")
    assert capsys.readouterr().err == ""


def test_a_probe_counts_every_sentence_once(
    make_encoder: Callable[..., Encoder],
    cldr_pairs: PairsFolder,
    capsys: pytest.CaptureFixture[str],
) -> None:
    probe = RetrievalProbe(candidates=Candidates(max=30), metrics=[])
    encoder = make_encoder()
    with progress_shown():
        probe.run(encoder, cldr_pairs)
    lines = capsys.readouterr().err.splitlines()
    assert {line.split(":")[0] for line in lines} == {"probe"}
    assert lines[-1].startswith("probe: 300 of 300 sentences")  # 5 languages, 2 views, 30 each
    probe.run(encoder, cldr_pairs)
    assert capsys.readouterr().err == ""


def test_equal_texts_are_counted_too(encoder: Encoder, capsys: pytest.CaptureFixture[str]) -> None:
    with progress_shown():
        vectors = embed(encoder, ["да", "да", "нет"])
    assert np.array_equal(vectors[0], vectors[1])
    assert capsys.readouterr().err.splitlines()[-1].startswith("embed: 3 of 3 texts")


def test_a_line_in_a_notebook_that_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Handle:
        def update(self, content: dict[str, str], raw: bool) -> None:
            shown.append(content["text/plain"])

    def display(content: dict[str, str], raw: bool, display_id: bool) -> Handle:
        shown.append(content["text/plain"])
        return Handle()

    monkeypatch.setattr(progress, "CELL_SECONDS", 0.0)
    shell = SimpleNamespace(kernel="of the notebook")
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    with Progress("unseen", 2):
        pass
    with progress_shown(), Progress("work", 2) as work:
        say("loading")
        work.advance()
        work.advance()
    assert shown == ["work: 1 of 2 texts", "work: 2 of 2 texts, 0 s left", ""]

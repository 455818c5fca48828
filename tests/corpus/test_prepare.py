"""Pairs folders: what is kept, that every line is accounted for, and that a folder is whole or not
there.
"""

import json
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from tests.settings import raises
from transliconet.corpus.cleaning import Cleaning
from transliconet.corpus.estimate import estimate
from transliconet.corpus.prepare import prepare
from transliconet.corpus.recipe import Recipe, Rules
from transliconet.corpus.sampling import Sampling
from transliconet.corpus.sources.base import Line, Skip
from transliconet.corpus.sources.parquet import ParquetFiles
from transliconet.corpus.sources.text import TextFiles
from transliconet.corpus.workers import run_local
from transliconet.errors import DataError, TransliconetError
from transliconet.language_tag import LanguageTag
from transliconet.pairs import PairsFolder, id_fraction, new_pairs_folder
from transliconet.romanizers.base import Identity, Romanizer
from transliconet.romanizers.uroman import Uroman

RUSSIAN = LanguageTag("rus", "Cyrl")


class Upper:
    """A romanizer whose output is known, and which raises on one word."""

    name, version = "upper", "1"

    def __call__(self, text: str, language: str) -> str:
        if "bad" in text:
            raise AttributeError("no bad words")
        return "" if text == "silent" else text.upper()


class Lines:
    """A reader of what it is given."""

    def __init__(
        self, *texts: str | Skip, ids: list[str] | None = None, lang: LanguageTag = RUSSIAN
    ) -> None:
        self.texts, self.ids, self.lang = texts, ids or [str(i) for i in range(len(texts))], lang

    def sources(self) -> list[dict[str, object]]:
        return [{"path": "memory"}]

    def __iter__(self) -> Iterator[Line | Skip]:
        for number, (text, id_) in enumerate(zip(self.texts, self.ids, strict=True), 1):
            yield text if isinstance(text, Skip) else Line("memory", number, id_, self.lang, text)


def made(
    tmp_path: Path, *texts: str | Skip, recipe: Recipe | None = None, **rules: object
) -> PairsFolder:
    recipe = recipe or Recipe(rules=Rules(**rules))  # type: ignore[arg-type]
    return prepare(Lines(*texts), Upper(), tmp_path / "pairs", recipe, progress=False)


def accounted(pairs: PairsFolder) -> bool:
    """Read = kept + dropped, for each language; and what was kept is in the table."""
    languages = pairs.manifest["languages"]
    kept = Counter(pairs.table["lang"].to_pylist())
    return all(
        c["read"] == c["kept"] + sum(c["dropped"].values()) and c["kept"] == kept[tag]
        for tag, c in languages.items()
    )


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()
    }


def test_every_reason_is_counted_and_listed(tmp_path: Path) -> None:
    unreadable = Skip("memory", 9, "rus_Cyrl", "invalid_utf8", "byte 3")
    recipe = Recipe(Cleaning(max_chars=20), rules=Rules(romanizer_errors="drop"))
    pairs = made(
        tmp_path,
        "one",
        "",
        "  \t",
        "one",
        " one ",
        "two",
        "nul\0byte",
        "x" * 30,
        "bad word",
        "silent",
        "SAME",
        unreadable,
        recipe=recipe,
    )
    assert sorted(pairs.table["text"].to_pylist()) == ["SAME", "one", "two"]
    assert sorted(pairs.table["romanized"].to_pylist()) == ["ONE", "SAME", "TWO"]
    assert sorted(
        zip(pairs.table["text"].to_pylist(), pairs.table["identical"].to_pylist(), strict=True)
    )[0] == (
        "SAME",
        True,
    )
    assert pairs.manifest["dropped"] == {
        "duplicate": 2,
        "empty": 2,
        "empty_romanization": 1,
        "invalid_utf8": 1,
        "nul_byte": 1,
        "romanizer_error": 1,
        "too_long": 1,
    }
    assert accounted(pairs)
    skipped = [json.loads(line) for line in (pairs.path / "skipped.jsonl").read_text().splitlines()]
    assert Counter(s["reason"] for s in skipped) == pairs.manifest["dropped"]
    (error,) = [s for s in skipped if s["reason"] == "romanizer_error"]
    assert (error["number"], error["detail"]) == (9, "AttributeError: no bad words")


def test_a_line_that_the_romanizer_raises_on_falls_back_to_its_words_and_is_reported(
    tmp_path: Path,
) -> None:
    pairs = made(tmp_path, "good bad word")
    assert pairs.table["romanized"].to_pylist() == ["GOOD BAD WORD"]  # "bad" letter by letter
    assert pairs.manifest["languages"]["rus_Cyrl"]["fallback"] == 1
    assert pairs.manifest["dropped"] == {}
    (entry,) = [json.loads(x) for x in (pairs.path / "skipped.jsonl").read_text().splitlines()]
    assert (entry["reason"], entry["detail"]) == (
        "romanizer_fallback",
        "AttributeError: no bad words",
    )


def test_duplicates_and_identical_pairs_by_option(tmp_path: Path) -> None:
    pairs = made(tmp_path, "one", "one", "SAME", duplicates="keep", unchanged="drop")
    assert pairs.table["text"].to_pylist() == ["one", "one"]
    assert pairs.manifest["dropped"] == {"identical": 1}


def test_a_duplicate_is_one_within_a_language(tmp_path: Path) -> None:
    for tag in ("rus_Cyrl", "bul_Cyrl"):
        (tmp_path / f"{tag}.txt").write_text("да\nда\n")
    reader = TextFiles([str(tmp_path / f"{t}.txt") for t in ("rus_Cyrl", "bul_Cyrl")])
    pairs = prepare(reader, Identity(), tmp_path / "pairs", progress=False)
    assert pairs.manifest["dropped"] == {"duplicate": 2}
    assert pairs.table["lang"].to_pylist() == ["rus_Cyrl", "bul_Cyrl"]


def test_heldout_ids_are_the_same_in_every_language(cldr_pairs: PairsFolder) -> None:
    held: dict[str, set[bool]] = {}
    for id_, flag in zip(
        cldr_pairs.table["id"].to_pylist(), cldr_pairs.table["heldout"].to_pylist(), strict=True
    ):
        held.setdefault(id_, set()).add(flag)
    assert {len(flags) for flags in held.values()} == {1}
    share = sum(flags == {True} for flags in held.values()) / len(held)
    assert 0.15 < share < 0.25
    assert accounted(cldr_pairs)


def test_id_fraction_is_spread_evenly() -> None:
    fractions = [id_fraction(f"id{i}", 0) for i in range(4000)]
    assert 0.47 < sum(f < 0.5 for f in fractions) / 4000 < 0.53
    assert id_fraction("id1", 0) != id_fraction("id1", 1)


@pytest.fixture
def corpus(tmp_path: Path) -> TextFiles:
    """10,000 lines in two languages, a tenth of them duplicates: three units."""
    for tag, word in (("rus_Cyrl", "слово"), ("ell_Grek", "λέξη")):
        lines = [f"{word} {i % 4500} {word}" for i in range(5000)]
        (tmp_path / f"{tag}.txt").write_text("\n".join(lines), encoding="utf-8")
    return TextFiles([str(tmp_path / f"{t}.txt") for t in ("rus_Cyrl", "ell_Grek")])


@pytest.mark.parametrize(
    ("engine", "romanizer"),
    [("local", Uroman()), pytest.param("ray", Identity(), marks=pytest.mark.slow)],
)
def test_engines_and_processes_give_the_same_bytes(
    engine: str, romanizer: Romanizer, corpus: TextFiles, tmp_path: Path
) -> None:
    if engine == "ray":
        pytest.importorskip("ray")
    recipe = Recipe(rules=Rules(heldout=0.1))
    one = prepare(corpus, romanizer, tmp_path / "one", recipe, progress=False)
    other = prepare(
        corpus, romanizer, tmp_path / "other", recipe, engine=engine, processes=2, progress=False
    )
    assert one.table.num_rows == 9000
    assert content(one.path) == content(other.path)
    if engine == "local":
        assert one.table["romanized"][7].as_py().startswith("slovo")


class Killed(Upper):
    """Ends its process, as a kill would, at its n-th line."""

    def __init__(self, lines: int) -> None:
        self.lines = lines

    def __call__(self, text: str, language: str) -> str:
        self.lines -= 1
        if self.lines < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(text, language)


@pytest.mark.parametrize("lines", [10, 4500, 8900])
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(
    lines: int, corpus: TextFiles, tmp_path: Path
) -> None:
    whole = prepare(corpus, Upper(), tmp_path / "whole", progress=False)
    process = multiprocessing.get_context("fork").Process(
        target=prepare, args=(corpus, Killed(lines), tmp_path / "pairs"), kwargs={"progress": False}
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not (tmp_path / "pairs").exists()
    done = len(list((tmp_path / ".pairs.partial" / "chunks").glob("*.json")))
    assert done == lines // 4096 if lines < 4096 * 2 else done >= 2
    counting = Counting()
    resumed = prepare(corpus, counting, tmp_path / "pairs", progress=False)
    assert content(resumed.path) == content(whole.path)
    assert counting.lines <= 9000 - 4096 * done + 1000  # what was done is not done again
    assert not (tmp_path / ".pairs.partial").exists()


def _wait_for_work(job: Callable[[int], int]) -> None:
    list(run_local(job, [0, 1], processes=2))


def _report_and_wait(folder: Path, chunk: int) -> int:
    (folder / f"{chunk}.pid").write_text(str(os.getpid()))
    time.sleep(60)
    return chunk


def test_workers_end_with_the_main_process(tmp_path: Path) -> None:
    # spawned workers import the test's module: a job that can be pickled
    main = multiprocessing.get_context("fork").Process(
        target=_wait_for_work, args=(partial(_report_and_wait, tmp_path),)
    )
    main.start()
    files = [tmp_path / "0.pid", tmp_path / "1.pid"]
    _wait_until(lambda: all(file.exists() and file.read_text() for file in files))
    workers = [int(file.read_text()) for file in files]
    main.kill()
    main.join()
    _wait_until(lambda: not any(_is_running(worker) for worker in workers))


def _wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def _is_running(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


class KilledReader(Lines):
    """Its process ends while the lines are read."""

    def __iter__(self) -> Iterator[Line | Skip]:
        for number, line in enumerate(super().__iter__()):
            if number == 5000:
                os.kill(os.getpid(), signal.SIGKILL)
            yield line


@pytest.mark.parametrize(
    ("step", "processes"), [("read", 1), ("join", 1), ("join", 2), ("rename", 1)]
)
def test_a_run_killed_at_any_step_goes_on(step: str, processes: int, tmp_path: Path) -> None:
    texts = [f"text {i}" for i in range(6000)]
    whole = prepare(Lines(*texts), Upper(), tmp_path / "whole", progress=False)

    def run() -> None:
        from transliconet import outputs
        from transliconet.corpus import prepare as module

        def die(*_: object) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        if step == "join":
            module.join_parts = die  # type: ignore[assignment]
        if step == "rename":
            outputs._put_in_place = die  # type: ignore[assignment]
        reader = KilledReader(*texts) if step == "read" else Lines(*texts)
        prepare(reader, Upper(), tmp_path / "pairs", progress=False)

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not (tmp_path / "pairs").exists()
    resumed = prepare(
        Lines(*texts), Upper(), tmp_path / "pairs", progress=False, processes=processes
    )
    assert content(resumed.path) == content(whole.path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pairs", "whole"]


class Counting(Upper):
    def __init__(self) -> None:
        self.lines = 0

    def __call__(self, text: str, language: str) -> str:
        self.lines += 1
        return super().__call__(text, language)


def test_what_another_plan_left_is_not_used(corpus: TextFiles, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        prepare(corpus, Interrupting(), tmp_path / "pairs", progress=False)
    pairs = prepare(
        corpus, Upper(), tmp_path / "pairs", Recipe(Cleaning(max_chars=12)), progress=False
    )
    assert max(map(len, pairs.table["text"].to_pylist())) <= 12
    assert accounted(pairs)


class Interrupting(Upper):
    def __call__(self, text: str, language: str) -> str:
        raise KeyboardInterrupt


def test_the_language_decides_the_romanization(tmp_path: Path) -> None:
    for tag in ("rus_Cyrl", "ukr_Cyrl"):
        (tmp_path / f"{tag}.txt").write_text("гора\n")
    reader = TextFiles([str(tmp_path / f"{t}.txt") for t in ("rus_Cyrl", "ukr_Cyrl")])
    pairs = prepare(reader, Uroman(), tmp_path / "pairs", progress=False)
    assert pairs.table["romanized"].to_pylist() == ["gora", "hora"]


@pytest.mark.parametrize(("option", "kept"), [("fallback", 2), ("drop", 1)])
def test_a_line_that_uroman_raises_on(option: str, kept: int, tmp_path: Path) -> None:
    (tmp_path / "zho_Hans.txt").write_text("百分之\n你好\n")
    reader = TextFiles(str(tmp_path / "zho_Hans.txt"))
    recipe = Recipe(rules=Rules(romanizer_errors=option))
    pairs = prepare(reader, Uroman(), tmp_path / "pairs", recipe, progress=False)
    assert pairs.table.num_rows == kept
    assert "AttributeError" in (pairs.path / "skipped.jsonl").read_text()
    if option == "fallback":
        assert (
            pairs.table["romanized"][0].as_py() == "100fenzhi"
        )  # uroman's own reading of each character
    else:
        assert pairs.manifest["dropped"] == {"romanizer_error": 1}


def test_the_manifest_says_where_the_pairs_came_from(cldr_pairs: PairsFolder) -> None:
    manifest = cldr_pairs.manifest
    assert manifest["rows"] == cldr_pairs.table.num_rows
    assert manifest["sources"][0]["package"] == "babel"
    assert manifest["romanizer"]["name"] == "uroman"
    assert manifest["romanizer"]["version"]
    assert manifest["rules"]["heldout"] == 0.2
    assert {"clean", "sample"} <= manifest.keys()


def test_other_programs_read_the_folder_as_an_arrow_dataset(cldr_pairs: PairsFolder) -> None:
    table = pyarrow.dataset.dataset(cldr_pairs.path / "data", format="ipc").to_table()
    assert table.equals(cldr_pairs.table)


def test_nothing_is_left_behind_when_the_input_is_at_fault(tmp_path: Path) -> None:
    with raises("TLN-DATA-100"):
        made(tmp_path, "", " ")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_replaced_only_when_asked_and_only_by_a_whole_one(tmp_path: Path) -> None:
    first = made(tmp_path, "one")
    with raises("TLN-CONFIG-224"):
        made(tmp_path, "two")
    with pytest.raises(DataError):
        prepare(Lines(""), Upper(), first.path, overwrite=True, progress=False)
    assert PairsFolder.open(first.path).table["text"].to_pylist() == ["one"]
    prepare(Lines("two"), Upper(), first.path, overwrite=True, progress=False)
    assert PairsFolder.open(first.path).table["text"].to_pylist() == ["two"]
    assert [p.name for p in tmp_path.iterdir()] == ["pairs"]


def test_two_runs_do_not_write_one_folder(tmp_path: Path) -> None:
    with new_pairs_folder(tmp_path / "pairs", {}) as work:
        with pytest.raises(TransliconetError, match="another process is writing it"):
            made(tmp_path, "one")
        (work / "result").mkdir()
    assert [p.name for p in tmp_path.iterdir()] == ["pairs"]


def test_a_full_disk_says_so_and_can_be_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real thing, a small tmpfs, takes rights that a test run may not have: the call that fails
    is made to.
    """
    import errno

    from transliconet.corpus import prepare as module

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(module, "join_parts", full)
        with pytest.raises(
            TransliconetError, match="the disk is full. Make room and run the same command again"
        ):
            made(tmp_path, "one")
    assert not (tmp_path / "pairs").exists()
    assert made(tmp_path, "one").table["text"].to_pylist() == ["one"]


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ({"duplicates": "dorp"}, "TLN-CONFIG-001"),
        ({"heldout": 1.5}, "TLN-CONFIG-002"),
        ({"romanizer_errors": "raise"}, "TLN-CONFIG-001"),
    ],
)
def test_impossible_rules(rules: dict, code: str) -> None:
    with raises(code, naming=next(iter(rules))):
        Rules(**rules)


def test_parts_and_languages_of_a_folder(cldr_pairs: PairsFolder) -> None:
    train, heldout = (cldr_pairs.split(p).num_rows for p in ("train", "heldout"))
    assert train + heldout == cldr_pairs.split("all").num_rows
    assert set(cldr_pairs.split("all", languages=["tha_Thai"])["lang"].to_pylist()) == {"tha_Thai"}
    with raises("TLN-CONFIG-200"):
        cldr_pairs.split("all", languages=["hin_Deva"])


def test_parquet_ids_survive(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"id": ["v1"], "lang": ["rus_Cyrl"], "text": ["да"]}), tmp_path / "p.parquet"
    )
    pairs = prepare(
        ParquetFiles(str(tmp_path / "p.parquet")), Upper(), tmp_path / "pairs", progress=False
    )
    assert pairs.table.to_pylist() == [
        {
            "id": "v1",
            "lang": "rus_Cyrl",
            "text": "да",
            "romanized": "ДА",
            "identical": False,
            "heldout": False,
        }
    ]


def test_an_estimate_writes_nothing_and_agrees_with_the_real_run(
    corpus: TextFiles, tmp_path: Path
) -> None:
    before = set(tmp_path.iterdir())
    recipe = Recipe(sampling=Sampling(fraction=0.1))
    guess = estimate(corpus, Upper(), recipe, progress=False)
    assert set(tmp_path.iterdir()) == before
    pairs = prepare(corpus, Upper(), tmp_path / "pairs", recipe, progress=False)
    for lang, counts in pairs.manifest["languages"].items():
        assert guess.languages[lang]["kept"] == counts["kept"] == 450
        assert guess.languages[lang]["dropped"] == counts["dropped"]
    assert guess.seconds > 0


def many_lines(tmp_path: Path, number: int) -> TextFiles:
    path = tmp_path / f"{number}" / "rus_Cyrl.txt"
    path.parent.mkdir()
    with path.open("w", encoding="utf-8") as f:
        f.writelines(f"строка номер {i} этого файла, и ещё несколько слов\n" for i in range(number))
    return TextFiles(str(path))


def peak_memory(tmp_path: Path, number: int) -> int:
    reader, out = many_lines(tmp_path, number), tmp_path / f"pairs-{number}"

    def run(pipe) -> None:  # type: ignore[no-untyped-def]
        base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # opened at the end, the folder is mapped and checked whole: pages that count as resident,
        # though the system can take them back at any time
        with patch.object(PairsFolder, "open"):
            prepare(reader, Identity(), out, progress=False)
        pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base)

    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=run, args=(there,))
    process.start()
    there.close()
    assert here.poll(120), "the run has failed"
    used = here.recv()
    process.join()
    return int(used)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux")
def test_memory_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    """Above what the process had before: 16 times the lines take at most 40 MB more.

    Pages of mapped files and the pool of Arrow take up to 30 MB of that; the lines as Python
    objects would add 58 MB.
    """
    small, large = peak_memory(tmp_path, 10_000), peak_memory(tmp_path, 160_000)
    assert large < small + 40_000

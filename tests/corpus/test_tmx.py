"""TMX: units as they come, their inline codes, and files that must be refused."""

import gzip
from pathlib import Path

import pytest

from transliconet.corpus.sources import tmx, xml_records
from transliconet.corpus.sources.base import Line, Skip
from transliconet.corpus.sources.tmx import TmxFiles, translation_units
from transliconet.errors import DataError

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en" datatype="plaintext"><note>no text</note></header><body>
"""
UNITS = """
<tu tuid="greeting"><tuv xml:lang="en-GB"><seg>Good <bpt i="1">&lt;b&gt;</bpt>day<ept i="1">&lt;/b&gt;</ept> &amp; night</seg></tuv>
 <tuv xml:lang="hi"><seg>नमस्ते</seg></tuv></tu>
<tu><note>about it</note><tuv lang="ru"><seg>да</seg></tuv><tuv lang="ru"><seg>ага</seg></tuv>
 <tuv lang="x-none"><seg>?</seg></tuv></tu>
"""


def write(path: Path, body: str = UNITS, head: str = HEAD) -> str:
    path.write_text(f"{head}{body}</body></tmx>\n", encoding="utf-8")
    return str(path)


def test_the_variants_of_a_unit_share_an_id(tmp_path: Path) -> None:
    lines = list(TmxFiles(write(tmp_path / "memory.tmx")))
    assert [(x.id, str(x.lang), x.text) for x in lines if isinstance(x, Line)] == [
        ("memory.tmx:greeting", "eng_Latn", "Good day & night"),
        ("memory.tmx:greeting", "hin_Deva", "नमस्ते"),
        ("memory.tmx:2", "rus_Cyrl", "да"),
    ]
    skips = [(x.number, x.reason) for x in lines if isinstance(x, Skip)]
    assert skips == [(2, "second_variant"), (2, "wrong_language_tag")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_compressed_and_in_other_encodings(encoding: str, tmp_path: Path) -> None:
    content = Path(write(tmp_path / "a.tmx")).read_text(encoding="utf-8")
    content = content.replace("UTF-8", encoding)
    (tmp_path / "b.tmx.gz").write_bytes(gzip.compress(content.encode(encoding)))
    lines = list(TmxFiles(str(tmp_path / "b.tmx.gz")))
    assert [x.text for x in lines if isinstance(x, Line)] == ["Good day & night", "नमस्ते", "да"]


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ('<!DOCTYPE tmx [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><tmx><body>', "TLN-DATA-135"),
        ('<!DOCTYPE tmx [<!ENTITY x SYSTEM "/etc/hosts">]><tmx><body>', "TLN-DATA-135"),
        ('<!DOCTYPE tmx [<!ENTITY % x "a">]><tmx><body>', "TLN-DATA-135"),
        ("<html><body>", "TLN-DATA-134"),
        ("no XML at all", "TLN-DATA-133"),
    ],
)
def test_what_is_refused(head: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        TmxFiles(write(tmp_path / "x.tmx", head=head))
    assert raised.value.code == code


def test_a_file_that_breaks_off_gives_what_it_has_and_a_skip(tmp_path: Path) -> None:
    units = "".join(f'<tu><tuv lang="ru"><seg>{n}</seg></tuv></tu>\n' for n in range(5000))
    path = tmp_path / "x.tmx"
    path.write_text(HEAD + units, encoding="utf-8")
    *lines, last = TmxFiles(str(path))
    assert len(lines) == 5000
    assert isinstance(last, Skip)
    assert (last.reason, last.number) == ("unreadable_rest", 5001)
    (tmp_path / "x.tmx.gz").write_bytes(gzip.compress((HEAD + units).encode())[:9000])
    *lines, last = TmxFiles(str(tmp_path / "x.tmx.gz"))
    assert len(lines) > 500
    assert isinstance(last, Skip)
    assert last.reason == "unreadable_rest"


def test_units_are_read_as_a_stream(tmp_path: Path) -> None:
    unit = f'<tu><tuv lang="ru"><seg>{"а" * 1000}</seg></tuv></tu>\n'
    path = Path(write(tmp_path / "x.tmx", unit * 1000))
    with path.open("rb") as f:
        next(xml_records._parsed(f, tmx._TmxParser(path)))
        assert f.tell() < path.stat().st_size / 10


def test_an_absurdly_long_segment_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tmx, "LONGEST_LINE", 100)
    body = f'<tu><tuv lang="ru"><seg>{"да " * 99}</seg></tuv><tuv lang="en"><seg>a</seg></tuv></tu>'
    (unit,) = translation_units(Path(write(tmp_path / "x.tmx", body)))
    assert unit.variants == [("ru", None), ("en", "a")]
    assert [x.reason for x in TmxFiles(str(tmp_path)) if isinstance(x, Skip)] == ["too_long"]

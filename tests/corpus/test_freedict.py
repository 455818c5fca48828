"""FreeDict's dictionaries: what becomes a concept, and what is refused or damaged."""

from pathlib import Path

import pytest

from tests.settings import raises
from transliconet.corpus.sources import xml_records
from transliconet.corpus.sources.base import Line, Skip
from transliconet.corpus.sources.freedict import FreeDictFiles

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader><quote>no word</quote></teiHeader><text><body>
"""
ENTRY = """<entry><form><orth>{}</orth><pron>x</pron></form>
<sense><cit type="trans" xml:lang="xx"><quote>{}</quote></cit>
<cit type="example"><quote>An example</quote><cit type="trans"><quote>{}</quote></cit></cit></sense></entry>
"""


def write(path: Path, *entries: tuple[str, str, str]) -> None:
    body = "".join(ENTRY.format(*entry) for entry in entries)
    path.write_text(f"{HEAD}{body}</body></text></TEI>\n", encoding="utf-8")


def test_dictionaries_of_one_language_share_their_concepts(tmp_path: Path) -> None:
    write(
        tmp_path / "deu-hin.tei",
        ("Haus", "घर", "मेरा घर"),
        ("Heim", " घर ", "x"),  # one word of two headwords
        ("Wasser &amp; Brot", "पानी\n और रोटी", "y"),
        ("", "तना", "u"),
        ("Baum", "पेड़", "z"),
        ("Baum", "वृक्ष", "w"),
    )
    write(tmp_path / "deu-kat.tei", ("Baum", "ხე", "v"))
    lines = list(FreeDictFiles(str(tmp_path)))
    words: dict[str, dict[str, str]] = {}
    for line in lines:
        if isinstance(line, Line):
            words.setdefault(line.id, {})[str(line.lang)] = line.text
    assert words == {
        "deu:Haus": {"deu_Latn": "Haus"},
        "deu:Heim": {"deu_Latn": "Heim"},
        "deu:Wasser & Brot": {"deu_Latn": "Wasser & Brot", "hin_Deva": "पानी और रोटी"},
        "deu:Baum": {"deu_Latn": "Baum", "hin_Deva": "पेड़", "kat_Geor": "ხე"},
    }
    reasons = [line.reason for line in lines if isinstance(line, Skip)]
    assert sorted(reasons) == ["further_translation", "homograph", "homograph", "missing_field"]


def test_what_is_damaged_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_records, "BLOCK", 8)
    write(tmp_path / "deu-hin.tei", ("Haus", "घर", "x"), ("Baum", "पेड़", "x"))
    file = tmp_path / "deu-hin.tei"
    file.write_text(file.read_text(encoding="utf-8").replace("</body>", "<"), encoding="utf-8")
    lines = list(FreeDictFiles(str(file)))
    assert [line.text for line in lines if isinstance(line, Line)] == ["Haus", "घर"]
    reasons = [line.reason for line in lines if isinstance(line, Skip)]
    assert reasons == ["unreadable_rest"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("words.tei", f"{HEAD}</body></text></TEI>", "TLN-DATA-150"),
        ("deu-hin.tei", "<tmx/>", "TLN-DATA-134"),
        ("deu-hin.tei", "no XML", "TLN-DATA-133"),
        ("deu-hin.tei", '<!DOCTYPE TEI [<!ENTITY a "aaaa">]><TEI/>', "TLN-DATA-135"),
    ],
)
def test_what_is_refused(name: str, content: str, code: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with raises(code):
        FreeDictFiles(str(tmp_path))

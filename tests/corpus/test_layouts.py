"""Every layout of docs/corpus.md is read by the command beside it."""

import gzip
import json
import re
import shlex
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.settings import CliHere
from transliconet.pairs import PairsFolder

PAGE = Path(__file__).parents[2] / "docs" / "corpus.md"
ROW = re.compile(
    r"^\| (?P<layout>[^|]+) \|[^|]*\| `transliconet (?P<command>prepare [^`]+)` \|$", re.M
)
COMMANDS = {
    match["layout"].strip(): shlex.split(match["command"])
    for match in ROW.finditer(PAGE.read_text(encoding="utf-8"))
}

HINDI = "यह पहला वाक्य है\nयह दूसरा वाक्य है\n"
GEORGIAN = "ეს პირველი წინადადებაა\nეს მეორე წინადადებაა\n"
ENGLISH = "This is the first sentence.\nThis is the second one.\n"
FIRST, SECOND = HINDI.splitlines()

PO = """msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "This is the first sentence."
msgstr "यह पहला वाक्य है"
"""
TMX = f"""<?xml version="1.0"?><tmx version="1.4"><header/><body>
<tu><tuv xml:lang="hi"><seg>{FIRST}</seg></tuv><tuv xml:lang="en-US"><seg>First.</seg></tuv></tu>
</body></tmx>"""

TEI = """<TEI><text><body><entry><form><orth>house</orth></form>
<sense><cit type="trans"><quote>घर</quote></cit></sense></entry></body></text></TEI>"""

FILES: dict[str, str | bytes] = {
    "text/hin_Deva.txt": HINDI,
    "text/kat_Geor.txt.gz": gzip.compress(GEORGIAN.encode()),
    "folders/hin_Deva/train.txt": HINDI,
    "folders/kat_Geor/train.txt": GEORGIAN,
    "flores/dev/hin_Deva.dev": HINDI,
    "flores/dev/eng_Latn.dev": ENGLISH,
    "flores/devtest/hin_Deva.devtest": HINDI.replace("है", "था"),
    "flores/devtest/eng_Latn.devtest": ENGLISH.replace("is", "was"),
    "ntrex/newstest2019-ref.hin.txt": HINDI,
    "ntrex/newstest2019-ref.zho-TW.txt": "這是第一句\n這是第二句\n",
    "ntrex/newstest2019-src.eng.txt": ENGLISH,
    "opus/TED.en-hi.hi": HINDI,
    "opus/TED.en-hi.en": ENGLISH,
    "bible/bible.eng_Latn-hin_Deva.hin_Deva": HINDI,
    "bible/bible.eng_Latn-hin_Deva.eng_Latn": ENGLISH,
    "bible/bible.eng_Latn-kat_Geor.kat_Geor": GEORGIAN,
    "bible/bible.eng_Latn-kat_Geor.eng_Latn": ENGLISH.replace("second", "next"),
    "pbc/hin-x-bible.txt": f"# closest ISO 639-3:\thin\n# ISO 15924:\tDeva\n40001001\t{FIRST}\n",
    "pbc/kat-x-bible.txt": "# closest ISO 639-3:\tkat\n40001001\tწიგნი შობისა\n",
    "tatoeba/sentences.csv": f"1\thin\t{FIRST}\n2\thin\t{SECOND}\n3\teng\tThe third.\n",
    "lexicon/words.tsv": "house\thin\tघर\nhouse\tkat\tსახლი\nnext\thin\tकल\nbefore\thin\tकल\n",
    "freedict/eng-hin.tei": TEI,
    "translico/hin_Deva.csv": f"text,transliteration\n{FIRST},yah pahla vakya hai\n",
    "table/all.csv": f'key;language;sentence\r\n1;hin_Deva;"{FIRST}; {SECOND}"\r\n1;eng_Latn;Both.\r\n'.encode(
        "utf-16"
    ),
    "xtreme/test-hi.tsv": f"{FIRST}\tदूसरा\tneutral\n{SECOND}\tतीसरा\tentailment\n",
    "bitext/all.tsv": f"This is the first sentence.\t{FIRST}\nSecond.\t{SECOND}\n",
    "memory/ui.tmx.gz": gzip.compress(TMX.encode()),
    "json/hin_Deva.jsonl": json.dumps({"text": FIRST}) + "\n",
    "nested/all.jsonl": json.dumps({"translation": {"hi": FIRST, "en": "First."}}) + "\n",
    "po/hi.po": PO,
    "dataset/hin_Deva/train.jsonl": json.dumps({"text": FIRST}) + "\n",
    "dataset/README.md": "---\nconfigs:\n- config_name: hin_Deva\n  data_files: hin_Deva/train.jsonl\n---\n",
}

EXPECTED = {
    "plain text, a sentence a line": (4, "hin_Deva kat_Geor", 0),
    "a folder a language, aligned by line": (4, "hin_Deva kat_Geor", 2),
    "FLORES": (8, "eng_Latn hin_Deva", 4),
    "NTREX": (6, "eng_Latn hin_Deva zho_Hant", 2),
    "Moses and OPUS pairs": (4, "eng_Latn hin_Deva", 2),
    "SR-B, SR-T": (7, "eng_Latn hin_Deva kat_Geor", 3),
    "Parallel Bible Corpus": (2, "hin_Deva kat_Geor", 1),
    "Tatoeba's sentences": (3, "eng_Latn hin_Deva", 0),
    "a lexicon, homographs left out": (2, "hin_Deva kat_Geor", 1),
    "dictionaries of FreeDict (TEI), read as a lexicon": (2, "eng_Latn hin_Deva", 1),
    "TransliCo's CSV": (1, "hin_Deva", 0),
    "a table with a header, from Excel too": (2, "eng_Latn hin_Deva", 1),
    "a table without a header": (2, "hin_Deva", 0),
    "a table with a text and its translation in a row": (4, "eng_Latn hin_Deva", 2),
    "translation memories": (2, "eng_Latn hin_Deva", 1),
    "JSON lines": (1, "hin_Deva", 0),
    "JSON lines, text inside an object": (1, "hin_Deva", 0),
    "long Parquet": (2, "eng_Latn hin_Deva", 1),
    "gettext catalogues": (2, "eng_Latn hin_Deva", 1),
    "a Hugging Face dataset, on the hub or in a folder": (1, "hin_Deva", 0),
    "names from CLDR, no download": (None, "eng_Latn hin_Deva", None),
}
"""Layout → pairs written, their languages, and ids that several languages share."""


@pytest.fixture
def corpora(cli_here: CliHere, tmp_path: Path) -> Path:
    """A folder with a small corpus in every layout, in which commands run."""
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    rows = {"id": [1, 1], "lang": ["hin_Deva", "eng_Latn"], "text": [FIRST, "First."]}
    pq.write_table(pa.table(rows), tmp_path / "long.parquet")
    return tmp_path


def test_every_layout_of_the_page_is_tested() -> None:
    assert COMMANDS.keys() == EXPECTED.keys()


@pytest.mark.parametrize("layout", COMMANDS)
def test_layouts(layout: str, corpora: Path, cli_here: CliHere) -> None:
    if "corpus=hub" in COMMANDS[layout]:
        pytest.importorskip("datasets")
    done = cli_here(*COMMANDS[layout], "out=pairs", "corpus.romanizer=none", "progress=false")
    assert done.status == 0, done.error
    languages_of: dict[str, set[str]] = defaultdict(set)
    pairs = PairsFolder.open(corpora / "pairs")
    for row in pairs.table.to_pylist():
        languages_of[row["id"]].add(row["lang"])
    number, languages, shared = EXPECTED[layout]
    assert set().union(*languages_of.values()) == set(languages.split())
    if number is not None:
        assert pairs.table.num_rows == number
        assert sum(len(languages) > 1 for languages in languages_of.values()) == shared

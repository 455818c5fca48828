"""Romanizers by language: what each one gives, which one a tag gets, and what the manifest says."""

import importlib.util
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.settings import CliHere, raises
from transliconet.corpus.prepare import prepare
from transliconet.corpus.sources.text import TextFiles
from transliconet.errors import ConfigError
from transliconet.pairs import PairsFolder
from transliconet.romanizers import base
from transliconet.romanizers.arabic import BUCKWALTER
from transliconet.romanizers.base import romanize_line
from transliconet.romanizers.by_language import ByLanguage
from transliconet.romanizers.indic import without_silent_schwas
from transliconet.romanizers.registry import ROMANIZERS, romanizer, romanizer_of_manifest

PACKAGES = {
    "cutlet": "cutlet",
    "pykakasi": "pykakasi",
    "pypinyin": "pypinyin",
    "jyutping": "ToJyutping",
    "thai-royal": "pythainlp",
    "cyrtranslit": "cyrtranslit",
    "icu": "icu",
    **dict.fromkeys(
        ["indic-iso", "indic-iast", "indic-itrans", "indic-typed"], "indic_transliteration"
    ),
}


def needs(name: str) -> None:
    """Skip where the package of a romanizer is not installed."""
    package = PACKAGES.get(name)
    if package and importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")


@pytest.mark.parametrize(
    ("name", "language", "text", "romanized"),
    [
        ("korean-revised", "kor_Hang", "안녕하세요 123", "annyeonghaseyo 123"),
        # the examples of the rules of 2000
        (
            "korean-revised",
            "kor_Hang",
            "백마 종로 왕십리",
            "baengma jongno wangsimni",
        ),
        ("korean-revised", "kor_Hang", "별내 신라 좋고 놓다", "byeollae silla joko nota"),
        (
            "korean-revised",
            "kor_Hang",
            "구미 영동 백암 옥천 합덕",
            "gumi yeongdong baegam okcheon hapdeok",
        ),
        ("arabic-typed", "aeb_Arab", "شكون قال صحيح ؟", "chkoun 9al s7i7 ?"),
        ("arabic-typed", "arb_Arab", "شكرًا يا مُحَمَّد ١٢", "shkran ya mu7ammad 12"),
        ("arabic-typed", "arb_Arab", "وقال الولد ليلى قالوا", "wqal alwld lila qalou"),
        ("arabic-buckwalter", "arb_Arab", "مُحَمَّد قَرَأَ كِتَابًا", "muHam~ad qara>a kitaAbFA"),
        ("greek-iso", "ell_Grek", "Ευχαριστώ, αύριο", "Efcharistō, avrio"),
        ("greek-iso", "ell_Grek", "καΐκι ΟΥΡΑΝΟΣ άγγελος", "kaiki OURANOS angelos"),
        ("greek-typed", "ell_Grek", "ψυχή, ξύλο", "psyxi, ksylo"),
        ("indic-iso", "hin_Deva", "नमस्ते भारत", "namastē bhārata"),
        ("indic-iast", "san_Deva", "धर्मः", "dharmaḥ"),
        ("indic-itrans", "san_Deva", "धर्मः", "dharmaH"),
        ("indic-typed", "hin_Deva", "नमस्ते भारत समझना", "namaste bharat samajhna"),
        ("indic-typed", "ben_Beng", "বাংলাদেশ আমার", "bangladesh amar"),
        ("indic-typed", "tam_Taml", "தமிழ் வணக்கம்", "tamil vanakkam"),
        ("indic-iso", "hin_Deva", "OK, ठीक 12", "OK, ṭhīka 12"),
        ("cyrtranslit", "srp_Cyrl", "Љубав", "Ljubav"),
        ("pypinyin", "zho_Hans", "中国银行，OK", "zhong guo yin hang, OK"),
        ("jyutping", "yue_Hant", "你好，香港。OK", "nei hou, hoeng gong. OK"),
        (
            "cutlet",
            "jpn_Jpan",
            "今日は東京で寿司を食べました。",
            "kyou wa Tokyo de sushi wo tabemashita.",
        ),
        ("pykakasi", "jpn_Jpan", "今日は", "kyou ha"),
        ("thai-royal", "tha_Thai", "ประเทศไทย 12", "prathet thai 12"),
    ],
)
def test_known_romanizations(name: str, language: str, text: str, romanized: str) -> None:
    needs(name)
    assert ROMANIZERS[name]()(text, language) == romanized


@pytest.mark.parametrize(
    ("word", "spoken"),
    [
        ("bhārata", "bhārat"),
        ("samajhanā", "samajhnā"),
        ("mitra", "mitra"),
        ("kamala", "kamal"),
        ("na", "na"),
    ],
)
def test_silent_schwas(word: str, spoken: str) -> None:
    assert without_silent_schwas(word) == spoken


def test_buckwalter_keeps_all_letters_apart() -> None:
    assert len(set(BUCKWALTER.values())) == len(BUCKWALTER) == 51


@pytest.mark.parametrize("name", sorted(ROMANIZERS.keys() - {"uroman", "icu"}))
@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=12))
def test_any_text_gives_text(name: str, text: str) -> None:
    needs(name)
    romanize = _loaded(name)
    result, _ = romanize_line(romanize, text, "zzz_Zzzz")
    assert isinstance(result, str)
    if text.isascii() and text.isalpha():
        assert result == text


_LOADED: dict[str, base.Romanizer] = {}


def _loaded(name: str) -> base.Romanizer:
    if name not in _LOADED:
        _LOADED[name] = ROMANIZERS[name]()
    return _LOADED[name]


@pytest.mark.parametrize("name", sorted(ROMANIZERS))
def test_a_romanizer_survives_the_way_to_a_worker(name: str) -> None:
    needs(name)
    first = ROMANIZERS[name]()
    second = pickle.loads(pickle.dumps(first))
    assert (second.name, second.version) == (first.name, first.version)


class Named:
    version = "1"

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, text: str, language: str) -> str:
        return f"{self.name} {text}"


def test_the_most_specific_key_counts() -> None:
    keys = ("srp_Cyrl", "srp", "Cyrl", "default")
    romanize = ByLanguage({key: Named(key) for key in keys})
    for language, key in {
        "srp_Cyrl": "srp_Cyrl",
        "srp_Latn": "srp",
        "srp": "srp",
        "bul_Cyrl": "Cyrl",
        "ell_Grek": "default",
        "ell": "default",
    }.items():
        assert romanize("x", language) == f"{key} x"


@pytest.mark.parametrize(
    ("which", "code"),
    [
        ("urman", "TLN-CONFIG-001"),
        ({"jpn": "cutlit"}, "TLN-CONFIG-001"),
        ({"jp": "uroman"}, "TLN-CONFIG-242"),
        ({1: "uroman"}, "TLN-CONFIG-242"),
    ],
)
def test_what_is_no_romanizer(which: object, code: str) -> None:
    with pytest.raises(ConfigError) as error:
        romanizer(which)  # type: ignore[arg-type]
    assert error.value.code == code


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "find_spec", lambda _: None)
    with raises("TLN-CONFIG-243") as error:
        romanizer("cutlet")
    assert error.value.code == "TLN-CONFIG-243"


def write_texts(folder: Path) -> None:
    texts = {"kor_Hang": "한국말\n", "ell_Grek": "Ευχαριστώ\n", "rus_Cyrl": "да\n"}
    for tag, text in texts.items():
        (folder / f"{tag}.txt").write_text(text, encoding="utf-8")


def test_the_manifest_names_the_romanizer_of_each_language(
    cli_here: CliHere, tmp_path: Path
) -> None:
    write_texts(tmp_path)
    which = "corpus.romanizer={kor: korean-revised, Grek: greek-typed, default: none}"
    done = cli_here("prepare", "corpus.paths=[.]", which, "out=pairs", "progress=false")
    assert done.status == 0, done.err
    pairs = PairsFolder.open(tmp_path / "pairs")
    romanized = dict(
        zip(pairs.table["lang"].to_pylist(), pairs.table["romanized"].to_pylist(), strict=True)
    )
    assert romanized == {"kor_Hang": "hangungmal", "ell_Grek": "Efxaristo", "rus_Cyrl": "да"}
    described = pairs.manifest["romanizer"]
    assert described["languages"]["kor"] == {"name": "korean-revised", "version": "1"}
    again = romanizer_of_manifest(described)
    assert again("한국말", "kor_Hang") == "hangungmal"
    assert again("ψ", "ell_Grek") == "ps"


def test_best_takes_readings_where_there_are_some() -> None:
    for name in ("cutlet", "jyutping", "thai-royal", "cyrtranslit", "indic-typed"):
        needs(name)
    best = romanizer("best")
    assert isinstance(best, ByLanguage)
    languages = ("jpn_Jpan", "zho_Hans", "yue_Hant", "kor_Hang", "hin_Deva", "rus_Cyrl", "srp_Cyrl")
    names = [best.for_language(language).name for language in languages]
    expected = [
        "cutlet",
        "uroman",
        "jyutping",
        "korean-revised",
        "indic-typed",
        "uroman",
        "cyrtranslit",
    ]
    assert names == expected


def test_typed_needs_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"cutlet", "cyrtranslit", "pykakasi", "pypinyin", "pythainlp", "ToJyutping", "icu"}
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(base, "find_spec", lambda name: None if name in extra else find_spec(name))
    typed = romanizer("typed")
    assert typed("कैसे", "hin_Deva") == "kaise"
    assert typed("ψάρι", "ell_Grek") == "psari"
    assert typed("привет", "rus_Cyrl") == romanizer("uroman")("привет", "rus_Cyrl")
    with pytest.raises(ConfigError):
        romanizer("best")


def own_class(docstring: str) -> str:
    """The example of :class:`Romanizer`'s docstring as a module."""
    lines = [line.strip() for line in docstring.splitlines()]
    code = [line[4:] for line in lines if line.startswith((">>> ", "... ", "..."))]
    return "\n".join(code) + "\n"


def test_the_documented_romanizer_of_ones_own(
    cli_here: CliHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = own_class(base.Romanizer.__doc__ or "")
    assert len(source.splitlines()) <= 10
    (tmp_path / "my_romanizer.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "ell_Grek.txt").write_text("Καλημέρα κόσμε\nμαρία\n", encoding="utf-8")
    done = cli_here(
        "prepare",
        "corpus.paths=[ell_Grek.txt]",
        "corpus.romanizer={_target_: my_romanizer.Greeklish}",
        "out=pairs",
        "progress=false",
    )
    assert done.status == 0, done.err
    pairs = PairsFolder.open(tmp_path / "pairs")
    assert pairs.manifest["romanizer"] == {"name": "greeklish", "version": "1"}
    assert pairs.table["romanized"][1].as_py() == "maria"


def test_what_is_named_as_a_romanizer_but_is_none(cli_here: CliHere, tmp_path: Path) -> None:
    (tmp_path / "ell_Grek.txt").write_text("ναι\n", encoding="utf-8")
    target = "corpus.romanizer={_target_: collections.Counter}"
    done = cli_here("prepare", "corpus.paths=[ell_Grek.txt]", target, "out=pairs")
    assert done.status == 1
    assert "TLN-CONFIG-241" in done.error


def test_python_takes_a_romanizer_as_an_object(tmp_path: Path) -> None:
    write_texts(tmp_path)
    reader = TextFiles(str(tmp_path / "ell_Grek.txt"))
    pairs = prepare(reader, Named("mine"), tmp_path / "pairs", progress=False)
    assert pairs.table["romanized"].to_pylist() == ["mine Ευχαριστώ"]

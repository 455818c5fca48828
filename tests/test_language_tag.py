"""One way from what a person writes for a language to a tag and the code that romanizers use."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from transliconet.errors import ConfigError, DataError
from transliconet.language_codes import ROMANIZER_GROUPS, iso639_3, likely_script
from transliconet.language_tag import LanguageNames, LanguageTag, romanizer_code, suggested_tag
from transliconet.romanizers.uroman import Uroman
from transliconet.unicode_script import has_non_latin_letter, scripts_in


@pytest.mark.parametrize("tag", ["hin_Deva", "srp_Cyrl", "srp_Latn", "zho_Hans", "pes_Arab"])
def test_tags_are_read_and_written_back(tag: str) -> None:
    assert str(LanguageTag.parse(tag)) == tag


@pytest.mark.parametrize(
    ("written", "tag", "code"),
    [
        ("sr-Latn", "srp_Latn", "srp"),
        ("sr_RS.UTF-8@latin", "srp_Latn", "srp"),
        ("sr@latin", "srp_Latn", "srp"),
        ("sr@Latn", "srp_Latn", "srp"),
        ("sr@ijekavianlatin", "srp_Latn", "srp"),
        ("ks@deva", "kas_Deva", "kas"),
        ("en@shaw", "eng_Shaw", "eng"),
        ("tt@iqtelif", "tat_Latn", "tat"),
        ("nan@latin", "nan_Latn", "nan"),
        ("uz@cyrillic", "uzb_Cyrl", "uzb"),
        ("zh-Hant-TW", "zho_Hant", "zho"),
        ("zh-cmn-Hans", "cmn_Hans", "cmn"),
        ("hi_Deva", "hin_Deva", "hin"),
        ("HIN_deva ", "hin_Deva", "hin"),
        ("ukr-Cyrl", "ukr_Cyrl", "ukr"),
        ("per_Arab", "fas_Arab", "fas"),
        ("pes_Arab", "pes_Arab", "fas"),
        ("prs_Arab", "prs_Arab", "fas"),
        ("ydd_Hebr", "ydd_Hebr", "yid"),
        ("lvs_Latn", "lvs_Latn", "lav"),
        ("pbt_Arab", "pbt_Arab", "pus"),
        ("iw_Hebr", "heb_Hebr", "heb"),
        ("ajp_Arab", "ajp_Arab", "ara"),
        ("nah_Latn", "nah_Latn", "nah"),
        ("ber_Latn", "ber_Latn", "ber"),
        ("bih_Deva", "bih_Deva", "bho"),
        ("eml_Latn", "eml_Latn", "eml"),
        ("sh_Cyrl", "hbs_Cyrl", "srp"),
        ("zh-min-nan-Latn", "nan_Latn", "nan"),
        ("zh_min_nan_Hant_TW", "nan_Hant", "nan"),
        ("i-klingon-Latn", "tlh_Latn", "tlh"),
        ("I-Navajo_Latn", "nav_Latn", "nav"),
        ("no-nyn-Latn", "nno_Latn", "nno"),
        ("sgn-ase-Sgnw", "ase_Sgnw", "ase"),
        ("sgn-BE-FR-Sgnw", "sfb_Sgnw", "sfb"),
        ("sgn-US-Sgnw", "ase_Sgnw", "ase"),
    ],
)
def test_forms_of_a_tag(written: str, tag: str, code: str) -> None:
    parsed = LanguageTag.parse(written)
    assert (str(parsed), parsed.romanizer_code) == (tag, code)
    assert romanizer_code(written) == code
    assert LanguageTag.parse(str(parsed)) == parsed


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("hi", "hin_Deva"),
        ("hin", "hin_Deva"),
        ("hi-IN", "hin_Deva"),
        ("zh", "zho_Hans"),
        ("zh_TW", "zho_Hant"),
        ("zh-HK", "zho_Hant"),
        ("sr", "srp_Cyrl"),
        ("sr_ME", "srp_Latn"),
        ("sh", "hbs_Latn"),
        ("ca@valencia", "cat_Latn"),
        ("pbt", "pbt_Arab"),
        ("ydd", "ydd_Hebr"),
        ("ajp", "ajp_Arab"),
        ("az_IR", "aze_Arab"),
    ],
)
def test_a_likely_script_is_taken_only_where_it_is_asked_for(written: str, tag: str) -> None:
    assert str(LanguageTag.parse(written, likely=True)) == tag
    assert str(suggested_tag(written)) == tag
    with pytest.raises(DataError) as error:
        LanguageTag.parse(written)
    assert error.value.code == "TLN-DATA-234"
    assert tag in error.value.remedy


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("", "TLN-DATA-230"),
        ("Hindi", "TLN-DATA-230"),
        ("hi_train", "TLN-DATA-230"),
        ("hin_Deva_Latn", "TLN-DATA-230"),
        ("../hin_Deva", "TLN-DATA-230"),
        (None, "TLN-DATA-230"),
        (["hin_Deva"], "TLN-DATA-230"),
        (7, "TLN-DATA-230"),
        ("qqz_Deva", "TLN-DATA-231"),
        ("xxx_Deva", "TLN-DATA-231"),
        ("hin_Xxxx", "TLN-DATA-232"),
        ("bs@nonsense", "TLN-DATA-235"),
        ("sr_Cyrl@latin", "TLN-DATA-235"),
    ],
)
def test_wrong_tags_are_refused_with_an_example(written: object, code: str) -> None:
    for likely in (False, True):
        with pytest.raises(DataError) as error:
            LanguageTag.parse(written, likely=likely)
        assert error.value.code == code
        assert str(error.value.given).startswith("lang=")
        assert "hin_Deva" in error.value.remedy


@pytest.fixture(scope="module")
def uroman() -> Uroman:
    return Uroman()


def rule_codes() -> set[str]:
    """Codes that the installed uroman has rules under."""
    from uroman import Uroman as Original

    rules = Original().rom_rules.values()
    codes = {code for found in rules for rule in found for code in rule["lcodes"] or ()}
    return {code for code in codes if len(code) == 3}  # srp2 marks alternatives of srp


NAMES_OF_A_LANGUAGE = {
    "ara": "ar ara arb arb_Arab arb_Latn ary_Arab arz_Arab acm_Arab apc_Arab ajp_Arab ar-EG",
    "bel": "be bel bel_Cyrl be-tarask be@latin",
    "bul": "bg bul bul_Cyrl bg-BG",
    "deu": "de deu ger deu_Latn de-CH",
    "ell": "el ell gre ell_Grek el-GR",
    "eng": "en eng eng_Latn en-US en@shaw",
    "fas": "fa fas per fas_Arab pes pes_Arab prs prs_Arab fa-AF",
    "grc": "grc grc_Grek",
    "kaz": "kk kaz kaz_Cyrl kk@arabic",
    "kir": "ky kir kir_Cyrl ky-KG",
    "lav": "lv lav lvs lvs_Latn lav_Latn ltg_Latn",
    "lit": "lt lit lit_Latn",
    "mkd": "mk mkd mac mkd_Cyrl",
    "oss": "os oss oss_Cyrl",
    "pnt": "pnt pnt_Grek",
    "pus": "ps pus pbt pbt_Arab pst_Arab pbu_Arab pus_Arab ps-AF",
    "rus": "ru rus rus_Cyrl ru_RU.UTF-8",
    "srp": "sr srp srp_Cyrl sr@latin sr@ijekavian sh hbs_Cyrl sr-Latn-RS",
    "tur": "tr tur tur_Latn tr-TR",
    "uig": "ug uig uig_Arab",
    "ukr": "uk ukr ukr_Cyrl ukr-Cyrl uk-UA",
    "yid": "yi yid ydd ydd_Hebr yih_Hebr ji",
}
"""Code of uroman → names of the language in FLORES, Glot500, BCP-47 and locales."""


def test_the_names_cover_every_code_that_uroman_has_rules_under() -> None:
    assert rule_codes() == set(NAMES_OF_A_LANGUAGE)
    assert set(ROMANIZER_GROUPS) <= {*NAMES_OF_A_LANGUAGE, "san"}


TELLING = {
    "ara": "القرآن",
    "bel": "Гродна",
    "bul": "ъгъл щ",
    "fas": "هفت وعده",
    "kaz": "Ұлы",
    "pus": "څه",
    "rus": "сегодня его",
    "srp": "Ђорђе џ",
    "ukr": "Київ",
    "yid": "ייִדיש און",
    "mkd": "Ѓорѓи",
    "ell": "αυγή",
}
"""Words that the rules of the language change."""


@pytest.mark.parametrize("code", NAMES_OF_A_LANGUAGE)
def test_every_name_of_a_language_gives_the_same_romanization(code: str, uroman: Uroman) -> None:
    text = TELLING.get(code, "да ναι بله")
    expected = uroman._romanize(text, code)
    for name in NAMES_OF_A_LANGUAGE[code].split():
        assert romanizer_code(name) == code, name
        assert uroman(text, name) == expected, name


def test_the_names_of_flores_matter() -> None:
    from transliconet.api import romanize

    assert romanize(["هفت وعده"], "pes_Arab") == romanize(["هفت وعده"], "fas_Arab") == ["hft vade"]
    assert romanize(["هفت وعده"], "hin_Deva") != ["hft vade"]
    assert romanize(["Київ"], "uk") == romanize(["Київ"], "ukr-Cyrl") == ["Kyiv"]
    assert romanize(["Київ"]) != ["Kyiv"]
    with pytest.raises(DataError) as error:
        romanize(["да"], "xxx_Deva")
    assert error.value.code == "TLN-DATA-231"


def test_romanizing_mends_decomposed_text() -> None:
    import unicodedata

    from transliconet.api import romanize

    for text, lang in (("한국어", "kor_Hang"), ("がぎぐ", "jpn_Jpan"), ("йогурт", "rus_Cyrl")):
        decomposed = unicodedata.normalize("NFD", text)
        assert decomposed != text
        assert romanize([decomposed], lang) == romanize([text], lang)


@pytest.mark.parametrize(
    ("path", "tags", "tag"),
    [
        ("a/hin_Deva.txt", None, "hin_Deva"),
        ("kat_Geor.part2.csv", None, "kat_Geor"),
        ("hin_Deva/train.txt", None, "hin_Deva"),
        ("hin_Deva/dev.txt", None, "hin_Deva"),
        ("hin_Deva/dev.txt", "auto", "hin_Deva"),
        ("hi/train.txt", "auto", "hin_Deva"),
        ("hi.txt", "auto", "hin_Deva"),
        ("hi.txt", {"hi": "hin_Deva"}, "hin_Deva"),
        ("ted.hi.txt", {"hi": "hin_Deva"}, "hin_Deva"),
        ("hindi/train.txt", {"hindi": "hin_Deva"}, "hin_Deva"),
        ("hin_Deva.txt", {"hin_Deva": "bho_Deva"}, "bho_Deva"),
        # one side of a pair: en-de is also the tag of English in Germany
        ("tatoeba/hi-en.en", "auto", "eng_Latn"),
        ("TED.en-de.de.gz", "auto", "deu_Latn"),
        ("x/en-hi.hi.txt", {"hi": "hin_Deva"}, "hin_Deva"),
        ("bible.hin_Deva-eng_Latn.hin_Deva", None, "hin_Deva"),
    ],
)
def test_files_and_folders_name_the_language(path: str, tags: dict | str | None, tag: str) -> None:
    assert str(LanguageNames(tags).tag_of_file(Path(path))) == tag


@pytest.mark.parametrize("name", ["corpus.txt", "hi.txt", "dev.txt", "qqz_Deva.txt"])
def test_files_that_name_no_language(name: str) -> None:
    with pytest.raises(DataError) as error:
        LanguageNames().tag_of_file(Path(name))
    assert error.value.code == "TLN-DATA-233"
    assert ("hi: hin_Deva" in error.value.remedy) == (name == "hi.txt")


def test_mappings_that_cannot_be_used() -> None:
    with pytest.raises(ConfigError) as wrong_kind:
        LanguageNames("likely")
    assert wrong_kind.value.code == "TLN-CONFIG-236"
    with pytest.raises(DataError) as wrong_value:
        LanguageNames({"hi": "Hindi"})
    assert wrong_value.value.code == "TLN-DATA-230"
    assert str(LanguageNames({False: "nob_Latn"}).tag("no")) == "nob_Latn"  # YAML's no


def iso_codes() -> Iterator[str]:
    import pycountry

    yield from (language.alpha_3 for language in pycountry.languages)


def test_every_code_of_iso_639_3_is_a_language() -> None:
    for code in iso_codes():
        assert iso639_3(code) == code
        assert romanizer_code(f"{code}_Latn")
    assert likely_script("zza") == "Latn"


@pytest.mark.parametrize(("code", "expected"), [("hi", "hin"), ("kok", "kok"), ("zz", None)])
def test_iso639_3(code: str, expected: str | None) -> None:
    assert iso639_3(code) == expected


def test_tags_are_json_and_sort() -> None:
    tags = sorted({LanguageTag("rus", "Cyrl"), LanguageTag.parse("hin_Deva")})
    assert json.dumps([str(tag) for tag in tags]) == '["hin_Deva", "rus_Cyrl"]'


def test_scripts_of_a_text() -> None:
    assert scripts_in("Москва, 東京, 100 km") == {"Cyrl", "Hani", "Latn"}
    assert scripts_in("123 …") == set()
    assert has_non_latin_letter("où ты")
    assert not has_non_latin_letter("où vas-tu? 12")

"""A vocabulary method carried out on an encoder: what it learns from, and what it must protect."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transliconet.errors import ConfigError
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.romanizers.base import Identity, Romanizer
from transliconet.romanizers.registry import romanizer
from transliconet.romanizers.uroman import Uroman
from transliconet.vocab.base import VocabularyInputs, VocabularyMethod

ALL, OF_PAIRS = "all", "pairs"


@dataclass(frozen=True)
class VocabularyChange:
    """An encoder after surgery.

    Args:
        encoder: with the changed vocabulary.
        counts: pieces by what became of them.
    """

    encoder: Encoder
    counts: Mapping[str, int]


@dataclass(frozen=True)
class VocabularySpec:
    """A method and what it works with.

    Args:
        method: what changes the vocabulary.
        romanizer: ``pairs``, the romanizers that the pairs folders were made with; or the name of
            one; or several names.
        protect: native text that stays tokenized as it is: ``all`` of the pairs, or tags.
    """

    method: VocabularyMethod
    romanizer: str | Sequence[str] = OF_PAIRS
    protect: str | Sequence[str] = ALL


def change_vocabulary(
    spec: VocabularySpec,
    encoder: Encoder,
    folders: Sequence[PairsFolder],
    languages: Sequence[str] | None = None,
) -> VocabularyChange:
    """Carry out a vocabulary method.

    The method learns from the text that is not held out. All native text is protected.

    Args:
        spec: the method and its settings.
        encoder: changed; use the one returned.
        folders: pairs folders to learn from and to protect.
        languages: tags to learn from; None takes all.

    Raises:
        ConfigError: an unknown romanizer, or a language to protect that no folder has.
    """
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for folder in folders:
        for tag, native in native_texts(folder).items():
            texts[tag] += native
    protected = [text for tag in _protected_tags(spec.protect, texts) for text in texts[tag]]
    inputs = VocabularyInputs.from_pairs(
        folders, romanizers(spec.romanizer, folders), languages, protected
    )
    changed, counts = spec.method(encoder, inputs)
    return VocabularyChange(changed, counts)


def romanizers(wanted: str | Sequence[str], folders: Sequence[PairsFolder]) -> list[Romanizer]:
    """Those named, or of ``pairs`` those that the folders were made with; uroman where that says
    nothing.

    Raises:
        ConfigError: there is none of that name, or its package is not installed.
    """
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    if names == [OF_PAIRS]:
        made_with = (
            folder.manifest.get("romanizer", {}).get("name", Identity.name) for folder in folders
        )
        names = [name for name in dict.fromkeys(made_with) if name != Identity.name] or [
            Uroman.name
        ]
    return [romanizer(name, "romanizer") for name in names]


def native_texts(pairs: PairsFolder) -> dict[str, list[str]]:
    """Language → all its native texts."""
    tags = sorted(pairs.manifest["languages"])
    return {tag: pairs.split("all", languages=[tag])["text"].to_pylist() for tag in tags}


def _protected_tags(protect: str | Sequence[str], texts: Mapping[str, object]) -> list[str]:
    if protect == ALL:
        return list(texts)
    if isinstance(protect, str):
        raise ConfigError(
            f"protect={protect}",
            "not a list of tags",
            "Give protect=all or protect=[eng_Latn]",
            code="TLN-CONFIG-700",
        )
    if protect and not texts:
        raise ConfigError(
            f"protect={list(protect)}",
            "no pairs folder to take their text from",
            "Add pairs=FOLDER",
            code="TLN-CONFIG-701",
        )
    if absent := [tag for tag in protect if tag not in texts]:
        raise ConfigError(
            f"protect={absent}",
            "not in the pairs folder",
            f"It has {', '.join(texts)}",
            code="TLN-CONFIG-702",
        )
    return list(protect)

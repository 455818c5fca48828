"""A vocabulary method applied to an encoder: its inputs, and the text that it must protect."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transliconet.errors import ConfigError, Option, section
from transliconet.model.encoder import Encoder
from transliconet.pairs import PairsFolder
from transliconet.romanizers.base import Identity, Romanizer
from transliconet.romanizers.registry import romanizer, romanizer_of_manifest
from transliconet.romanizers.uroman import Uroman
from transliconet.vocab.base import VocabularyChange, VocabularyInputs, VocabularyMethod
from transliconet.vocab.reload import check_reload
from transliconet.vocab.transmi import BLENDED

log = logging.getLogger(__name__)

ALL_LANGUAGES = "all"
ROMANIZERS_OF_PAIRS = "pairs"
SOME_TEXTS = 1000
"""Texts on which a changed tokenizer is compared with what is read after saving it."""


@dataclass(frozen=True)
class VocabularySpec:
    """A vocabulary method and its settings.

    Args:
        method: changes the vocabulary.
        romanizer: ``pairs`` for the romanizers that the pairs folders were made with, or the name
            of one, or several names, of which ``pairs`` can be one.
        protect: languages whose native text is tokenized as before: ``all`` languages of the
            pairs, or tags.
    """

    method: VocabularyMethod
    romanizer: str | Sequence[str] | Mapping[str, str] = ROMANIZERS_OF_PAIRS
    protect: str | Sequence[str] = ALL_LANGUAGES


def change_vocabulary(
    spec: VocabularySpec,
    encoder: Encoder,
    folders: Sequence[PairsFolder],
    languages: Sequence[str] | None = None,
) -> VocabularyChange:
    """Apply a vocabulary method.

    The method learns from text that is not held out; all native text can be protected.

    Args:
        spec: the method and its settings.
        encoder: may be changed; use the one that is returned.
        folders: pairs folders with the text to learn from and to protect.
        languages: tags to learn from; None takes all.

    Raises:
        ConfigError: an unknown romanizer, or a language to protect that no folder has.
        CheckpointError: the tokenizer cannot be changed, or not be saved.
    """
    texts = native_texts(folders)
    protected: list[str] = []
    tags = _protected_tags(spec.protect, texts)
    for tag in tags:
        protected += [encoder.prompt + text for text in texts[tag]]
    romanizers = resolve_romanizers(spec.romanizer, folders)
    inputs = VocabularyInputs.from_pairs(folders, romanizers, languages, protected)
    with section("method"):
        change = spec.method(encoder, inputs)
    if change.counts.get(BLENDED) and not any(tag.endswith("_Latn") for tag in tags):
        log.warning(
            "no text in Latin script is protected, so that rows of English words may be blended, "
            "too. Add a folder with English text: pairs=[a,b], or data.also=[b] of train"
        )
    texts_of_all = [*protected, *inputs.texts]
    every = max(len(texts_of_all) // SOME_TEXTS, 1)
    check_reload(change.encoder, texts_of_all[::every])
    return change


def resolve_romanizers(
    names: str | Sequence[str] | Mapping[str, str], folders: Sequence[PairsFolder]
) -> list[Romanizer]:
    """Make romanizers by name.

    The name ``pairs`` stands for the romanizers that made the folders, or for uroman where the
    text was romanized before it was read.

    Raises:
        ConfigError: there is none of that name, or its package is not installed.
    """
    if isinstance(names, Mapping):
        return [romanizer(names)]
    names = [names] if isinstance(names, str) else list(names)
    made: list[Romanizer] = []
    for name in names:
        if name == ROMANIZERS_OF_PAIRS:
            made += _romanizers_of(folders)
        else:
            made.append(romanizer(name))
    return made


def _romanizers_of(folders: Sequence[PairsFolder]) -> list[Romanizer]:
    of_folders: list[Mapping[str, object]] = []
    for folder in folders:
        described = folder.manifest.get("romanizer", {})
        if described.get("name", Identity.name) != Identity.name and described not in of_folders:
            of_folders.append(described)
    return [romanizer_of_manifest(described) for described in of_folders] or [Uroman()]


def native_texts(folders: Sequence[PairsFolder]) -> dict[str, list[str]]:
    """Language tag → all its native texts in the folders, held-out ones included."""
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for folder in folders:
        for tag in sorted(folder.manifest["languages"]):
            texts[tag] += folder.split("all", languages=[tag])["text"].to_pylist()
    return dict(texts)


def _protected_tags(protect: str | Sequence[str], texts: Mapping[str, object]) -> list[str]:
    if protect == ALL_LANGUAGES:
        return list(texts)
    if isinstance(protect, str):
        raise ConfigError(
            Option("protect", protect),
            "not a list of tags",
            "Give protect=all or protect=[eng_Latn]",
            code="TLN-CONFIG-700",
        )
    if protect and not texts:
        raise ConfigError(
            Option("protect", list(protect)),
            "no pairs folder to take their text from",
            "Add pairs=FOLDER",
            code="TLN-CONFIG-701",
        )
    absent = [tag for tag in protect if tag not in texts]
    if absent:
        raise ConfigError(
            Option("protect", absent),
            "not in the pairs folder",
            f"It has {', '.join(texts)}",
            code="TLN-CONFIG-702",
        )
    return list(protect)

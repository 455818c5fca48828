"""A change of vocabulary as the configuration describes it, for ``transliconet vocab`` and ``transliconet train``."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omegaconf import DictConfig

from transliconet.cli.app import build
from transliconet.corpus.pairs import PairsFolder
from transliconet.corpus.romanize import Identity, Romanizer, Uroman, romanizer
from transliconet.errors import ConfigError
from transliconet.model.encoder import Encoder
from transliconet.vocab.method import Material

ALL, OF_PAIRS = "all", "pairs"


@dataclass(frozen=True)
class Operated:
    """An encoder after surgery.

    Args:
        encoder: with the changed vocabulary.
        counts: pieces by what became of them.
    """

    encoder: Encoder
    counts: Mapping[str, int]


def operate(
    cfg: DictConfig,
    encoder: Encoder,
    pairs: PairsFolder | None,
    languages: Sequence[str] | None = None,
    also: Sequence[PairsFolder] = (),
) -> Operated:
    """Carry out ``cfg.method``, leaving the native text of ``cfg.protect`` cut as it is.

    What a method learns from ``pairs`` it learns from the part that is not held out; all of it is protected.

    Args:
        cfg: of a command.
        encoder: changed; use the one returned.
        pairs: the folder, if there is one.
        languages: to learn from; None takes all.
        also: more folders to learn from and to protect; ``cfg.romanizer=pairs`` means their romanisers, too.

    Raises:
        ConfigError: an unknown romaniser, or languages to protect that ``pairs`` does not have.
    """
    folders = [*([pairs] if pairs else []), *also]
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for folder in folders:
        for tag, native in native_texts(folder).items():
            texts[tag] += native
    protected = [text for tag in _protected_tags(cfg.protect, texts) for text in texts[tag]]
    material = Material.of(folders, romanizers(cfg.romanizer, folders), languages, protected)
    return Operated(*build(cfg.method)(encoder, material))


def romanizers(wanted: str | Sequence[str], folders: Sequence[PairsFolder]) -> list[Romanizer]:
    """Those named, or of ``pairs`` those that the folders were made with; uroman where that says nothing.

    Raises:
        ConfigError: there is none of that name, or its package is not installed.
    """
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    if names == [OF_PAIRS]:
        made_with = (folder.manifest.get("romanizer", {}).get("name", Identity.name) for folder in folders)
        names = [name for name in dict.fromkeys(made_with) if name != Identity.name] or [Uroman.name]
    return [romanizer(name, "romanizer") for name in names]


def native_texts(pairs: PairsFolder) -> dict[str, list[str]]:
    """Language → all its native texts."""
    tags = sorted(pairs.manifest["languages"])
    return {tag: pairs.part("all", languages=[tag])["text"].to_pylist() for tag in tags}


def _protected_tags(protect: str | Sequence[str], texts: Mapping[str, object]) -> list[str]:
    if protect == ALL:
        return list(texts)
    if isinstance(protect, str):
        raise ConfigError(f"protect={protect}", "not a list of tags", "Give protect=all or protect=[eng_Latn]")
    if protect and not texts:
        raise ConfigError(f"protect={list(protect)}", "no pairs folder to take their text from", "Add pairs=FOLDER")
    if absent := [tag for tag in protect if tag not in texts]:
        raise ConfigError(f"protect={absent}", "not in the pairs folder", f"It has {', '.join(texts)}")
    return list(protect)

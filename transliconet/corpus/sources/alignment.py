"""Line-aligned files: which belong together, by their names, and whether they fit."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transliconet.corpus.sources.files import COMPRESSED, UNREADABLE
from transliconet.corpus.sources.lines import numbered_lines
from transliconet.errors import DataError, first_line
from transliconet.language_tag import LanguageNames, LanguageTag

PAIR = re.compile(
    r"(?:(?P<set>.+)\.)?(?P<a>[\w@]+(?:-[A-Z]\w+)?)-(?P<b>[\w@]+(?:-[A-Z]\w+)?)"
    r"(?:\.(?P<part>\w+))?\.(?P<side>[\w@-]+)"
)
"""``bible.eng_Latn-hin_Deva.hin_Deva``, ``TED.en-hi.hi``, ``de-en.dev.de``."""

PARTS = {"train", "dev", "devtest", "test", "valid", "validation", "txt"}
"""Parts of file names that are never a language, although some are codes of one."""

_ROLE = re.compile(r"-(?:ref|src)$")
"""NTREX marks its source: ``newstest2019-src.eng.txt`` beside ``newstest2019-ref.hin.txt``."""


@dataclass(frozen=True)
class AlignedFile:
    """A file whose lines have counterparts in other files.

    Args:
        path: the file.
        tag: its language.
        group: what its name has in common with those of its counterparts.
        is_pair: whether the name has two languages, so that there is exactly one counterpart.
    """

    path: Path
    tag: LanguageTag
    group: str
    is_pair: bool


def aligned_file(path: Path, relative: str, names: LanguageNames) -> AlignedFile | None:
    """Read what a file's name says about its alignment.

    Args:
        path: the file.
        relative: its path from the corpus's folder, such as ``dev/hin_Deva.dev``.
        names: what names of languages mean.

    Returns:
        Its language and group; None where the name has no language.
    """
    folder, _, name = relative.rpartition("/")
    for ending in (*COMPRESSED, ".txt"):
        name = name.removesuffix(ending)
    if pair := PAIR.fullmatch(name):
        sides = {side: _tag(side, names) for side in (pair["a"], pair["b"])}
        tag = sides.get(pair["side"])
        if tag is not None:
            group = name.removesuffix(f".{pair['side']}")
            return AlignedFile(path, tag, f"{folder}/{group}".lstrip("/"), True)
    parts = name.split(".")
    candidates = [*parts, folder.rpartition("/")[2]]
    found = _language_among(candidates, names)
    if found is None:
        return None
    index, tag = found
    folders = [part for part in folder.split("/") if part]
    if index < len(parts):
        parts[index] = ""
    else:
        folders[-1] = ""
    kept = [_ROLE.sub("", part) for part in parts]
    words = [*folders, *kept]
    # dev/hin_Deva.dev says its part twice.
    group = "/".join(dict.fromkeys(word for word in words if word))
    return AlignedFile(path, tag, group, False)


def _language_among(
    candidates: Sequence[str], names: LanguageNames
) -> tuple[int, LanguageTag] | None:
    """The position and tag of the language in a name: one with a script before one without."""
    tagged: list[tuple[int, LanguageTag]] = []
    likely: list[tuple[int, LanguageTag]] = []
    for index, candidate in enumerate(candidates):
        if candidate in names.mapping:
            return index, names.mapping[candidate]
        tag = None if candidate.lower() in PARTS else _tag(candidate, names)
        if tag is not None:
            has_script = re.search(r"[-_]" + tag.script, candidate, re.IGNORECASE)
            (tagged if has_script else likely).append((index, tag))
    found = tagged or likely
    return found[0] if found else None


def _tag(name: str, names: LanguageNames) -> LanguageTag | None:
    try:
        return names.tag(name)
    except DataError:
        pass
    # The papers' files call English eng, beside tags with a script.
    return LanguageTag("eng", "Latn") if name == "eng" else None


def line_digest(path: Path) -> tuple[int, str]:
    """Count and hash the lines of a file.

    Args:
        path: a text file in any encoding, and with any line ends, that the readers know.

    Returns:
        The number of lines, and a digest that is equal for files with the same text.

    Raises:
        DataError: it cannot be read to the end.
    """
    digest = hashlib.blake2b(digest_size=16)
    count = 0
    try:
        for _, raw in numbered_lines(path):
            digest.update((raw or b"\0") + b"\n")
            count += 1
    except UNREADABLE as error:
        raise DataError(
            path,
            f"cannot be read to its end ({first_line(error)})",
            "Lines can only be aligned in whole files: fetch it again",
            code="TLN-DATA-131",
        ) from error
    return count, digest.hexdigest()


def require_equal_length(group: str, counts: dict[Path, int]) -> None:
    """Check that aligned files have the same number of lines.

    Args:
        group: what the names of the files have in common.
        counts: file → number of lines.

    Raises:
        DataError: they differ. The message has the count of each file.
    """
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{path}: {count}" for path, count in counts.items())
        raise DataError(
            group or next(iter(counts)).parent,
            f"files of unequal length ({listed})",
            "Align them again, or read them without alignment: corpus=text",
            code="TLN-DATA-113",
        )

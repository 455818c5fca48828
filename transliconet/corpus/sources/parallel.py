"""Line-aligned pairs of files, as the papers' sentence retrieval sets (SR-B, SR-T) are laid out."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from transliconet.corpus.sources.base import Line, Skip, guarded
from transliconet.corpus.sources.files import describe, find_files, numbered_lines
from transliconet.errors import DataError
from transliconet.language_tag import LanguageTag

NAME = re.compile(r"(?P<set>.+)\.(?P<a>\w+)-(?P<b>\w+)\.(?P<side>\w+)")
ENGLISH = LanguageTag("eng", "Latn")


class ParallelFiles:
    """Files ``<set>.<a>-<b>.<side>``, e.g. ``bible.eng_Latn-hin_Deva.hin_Deva``: line n of both
    sides means the same.

    Args:
        paths: a folder, files or patterns.
        shared: the English side is the same text for every language (the Bible of SR-B): ids are
            line numbers, and the English lines are read once. False (Tatoeba's SR-T): each pair has
            its own English, and its own ids.

    A name's ``eng`` stands for ``eng_Latn``; the other side must be a tag, with its script.

    Raises:
        DataError: a name is not of that form, a side is missing, or the two sides differ in length.
    """

    def __init__(self, paths: str | Sequence[str], shared: bool = True) -> None:
        self.shared = shared
        files = [f for f in find_files(paths, ("",)) if NAME.fullmatch(f.name)]
        if not files:
            raise DataError(
                f"corpus.paths={paths}",
                "no file is named SET.A-B.SIDE",
                "e.g. bible.eng_Latn-hin_Deva.hin_Deva",
                code="TLN-DATA-111",
            )
        self.pairs: dict[str, dict[LanguageTag, Path]] = {}
        for file in files:
            match = NAME.fullmatch(file.name)
            assert match
            tag = _tag(match["side"], file)
            self.pairs.setdefault(f"{match['set']}.{match['a']}-{match['b']}", {})[tag] = file
        for name, sides in self.pairs.items():
            if len(sides) != 2:
                raise DataError(
                    f"corpus.paths: {name}",
                    f"only the side {next(iter(sides))}",
                    "Add the other side",
                    code="TLN-DATA-112",
                )
            lengths = {str(tag): sum(1 for _ in numbered_lines(f)) for tag, f in sides.items()}
            if len(set(lengths.values())) > 1:
                raise DataError(
                    f"corpus.paths: {name}",
                    f"sides of unequal length ({lengths})",
                    "Align them again",
                    code="TLN-DATA-113",
                )

    def sources(self) -> list[dict[str, object]]:
        return describe([f for sides in self.pairs.values() for f in sides.values()])

    def __iter__(self) -> Iterator[Line | Skip]:
        given = False
        for name, sides in self.pairs.items():
            for tag, path in sides.items():
                if tag == ENGLISH and self.shared and given:
                    continue
                given = given or tag == ENGLISH
                yield from guarded(
                    path, str(tag), self._lines(path, tag, "" if self.shared else f"{name}:")
                )

    def _lines(self, path: Path, tag: LanguageTag, prefix: str) -> Iterator[Line | Skip]:
        for number, raw in numbered_lines(path):
            try:
                yield Line(str(path), number, f"{prefix}{number}", tag, raw.decode("utf-8"))
            except UnicodeDecodeError as error:
                yield Skip(
                    str(path),
                    number,
                    str(tag),
                    "invalid_utf8",
                    f"byte {error.start}: {error.reason}",
                )


def _tag(side: str, file: Path) -> LanguageTag:
    return ENGLISH if side == "eng" else LanguageTag.parse(side, str(file))

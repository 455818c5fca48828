"""Line-aligned files, as translations are handed on: Moses, OPUS, SR-B, SR-T, FLORES, NTREX."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from transliconet.corpus.sources.alignment import (
    AlignedFile,
    aligned_file,
    line_digest,
    require_equal_length,
)
from transliconet.corpus.sources.base import Line, Skip, guarded
from transliconet.corpus.sources.files import describe, find_files, relative_names
from transliconet.corpus.sources.lines import require_text, text_lines
from transliconet.errors import DataError, Option
from transliconet.language_tag import LanguageNames

log = logging.getLogger(__name__)


class ParallelFiles:
    """Files of which line n means the same in each language. Their names say which belong together:

    - ``<set>.<a>-<b>.<side>``, two languages (Moses, OPUS, the papers' SR-B and SR-T):
      ``bible.eng_Latn-hin_Deva.hin_Deva``, ``TED.en-hi.hi``;
    - names that differ in the language alone, many languages: FLORES's ``dev/hin_Deva.dev``,
      NTREX's ``newstest2019-ref.hin.txt``, ``train.hi``, ``hin_Deva/train.txt``.

    Args:
        paths: a folder, files or patterns. In a folder, files with another kind of name are passed
            over with a warning.
        shared: whether the pairs of one set have a side in common, usually English, and so share
            ids. None compares the texts: pairs share ids where a side is the same, line by line.
            True refuses a set in which it differs. False gives each pair ids of its own.
        tags: what the names of languages mean, see :class:`LanguageNames`.

    An id is the name without its language, and the line number: ``bible.eng_Latn-hin_Deva:7``,
    ``dev:7``; the set alone (``bible:7``) where all its pairs share ids. A side that several pairs
    have in common is read once.

    Raises:
        DataError: no name is of such a form, a side is missing, files differ in length, or
            with ``shared=True`` in a text that should be the same.
    """

    def __init__(
        self,
        paths: str | Sequence[str],
        shared: bool | None = None,
        tags: Mapping[str, str] | str | None = None,
    ) -> None:
        self.shared = shared
        names = LanguageNames(tags)
        groups: dict[str, list[AlignedFile]] = {}
        for aligned in self._aligned_files(paths, names):
            groups.setdefault(aligned.group, []).append(aligned)
        require_text(a.path for group in groups.values() for a in group)
        self.groups = [_compared(name, files) for name, files in groups.items()]
        self.prefixes = self._prefixes()

    def _aligned_files(
        self, paths: str | Sequence[str], names: LanguageNames
    ) -> Iterator[AlignedFile]:
        files = find_files(paths, ("",))
        passed_over: list[str] = []
        found = False
        for path, relative in relative_names(files).items():
            aligned = aligned_file(path, relative, names)
            if aligned is None:
                passed_over.append(relative)
            else:
                found = True
                yield aligned
        if not found:
            raise DataError(
                Option("paths", paths),
                f"no file name has a language in it ({', '.join(passed_over[:3])})",
                "Name files as bible.eng_Latn-hin_Deva.hin_Deva or dev/hin_Deva.dev, or give the "
                "meaning of other names: tags={hi: hin_Deva}, or tags=auto",
                code="TLN-DATA-111",
            )
        if passed_over:
            some = ", ".join(passed_over[:3])
            log.warning("%d files name no language and are not read: %s", len(passed_over), some)

    def _prefixes(self) -> dict[str, str]:
        """What precedes the line number in the ids of each group."""
        sets: dict[str, list[_Group]] = {}
        for group in self.groups:
            sets.setdefault(group.set_name, []).append(group)
        prefixes: dict[str, str] = {}
        for set_name, groups in sets.items():
            owner = _owners(groups) if self.shared is not False else {g.name: g for g in groups}
            distinct = {g.name for g in owner.values()}
            if self.shared and len(distinct) > 1:
                raise _differing(set_name, groups)
            all_share = len(groups) > 1 and len(distinct) == 1
            if len(distinct) > 1 and self.shared is None:
                log.info(
                    "%s: %d pairs with %d different texts in common; only pairs with the same text "
                    "share ids",
                    set_name or "parallel files",
                    len(groups),
                    len(distinct),
                )
            for group in groups:
                prefixes[group.name] = set_name if all_share else owner[group.name].name
        return prefixes

    def sources(self) -> list[dict[str, object]]:
        return describe([a.path for group in self.groups for a in group.files])

    def __iter__(self) -> Iterator[Line | Skip]:
        given: set[tuple[str, str, str]] = set()
        for group in self.groups:
            prefix = self.prefixes[group.name]
            for aligned, digest in zip(group.files, group.digests, strict=True):
                text = (prefix, str(aligned.tag), digest)
                if group.is_pair and text in given:
                    continue
                given.add(text)
                lines = _lines(aligned, f"{prefix}:" if prefix else "")
                yield from guarded(aligned.path, str(aligned.tag), lines)


@dataclass(frozen=True)
class _Group:
    """Files that are aligned with each other, with a digest of the text of each."""

    name: str
    files: list[AlignedFile]
    digests: list[str]

    @property
    def is_pair(self) -> bool:
        return self.files[0].is_pair

    @property
    def set_name(self) -> str:
        """``bible`` for ``bible.eng_Latn-hin_Deva``; groups of many languages are sets already."""
        return self.name.rpartition(".")[0] if self.is_pair else self.name

    @property
    def texts(self) -> set[tuple[str, str]]:
        tags = [str(aligned.tag) for aligned in self.files]
        return set(zip(tags, self.digests, strict=True))


def _compared(name: str, files: list[AlignedFile]) -> _Group:
    """The group, after a check that its sides are there and of equal length."""
    if files[0].is_pair and len(files) == 1:
        raise DataError(
            name, f"only the side {files[0].tag}", "Add the other side", code="TLN-DATA-112"
        )
    counted = [line_digest(aligned.path) for aligned in files]
    paths = [aligned.path for aligned in files]
    counts = [count for count, _ in counted]
    require_equal_length(name, dict(zip(paths, counts, strict=True)))
    return _Group(name, files, [digest for _, digest in counted])


def _owners(groups: Sequence[_Group]) -> dict[str, _Group]:
    """By name of each group, the first group with which it has a text in common."""
    first_with: dict[tuple[str, str], _Group] = {}
    owners: dict[str, _Group] = {}
    for group in groups:
        known = [first_with[text] for text in sorted(group.texts) if text in first_with]
        owner = known[0] if known else group
        owners[group.name] = owner
        for text in group.texts:
            first_with.setdefault(text, owner)
    return owners


def _differing(set_name: str, groups: Sequence[_Group]) -> DataError:
    names = ", ".join(group.name for group in groups[:3])
    return DataError(
        Option("shared", True),
        f"the pairs of {set_name!r} have no text in common ({names})",
        "Leave shared out: pairs share ids where a side is the same",
        code="TLN-DATA-132",
    )


def _lines(aligned: AlignedFile, prefix: str) -> Iterator[Line | Skip]:
    tag = aligned.tag
    for number, text in text_lines(aligned.path, str(tag)):
        if isinstance(text, Skip):
            yield text
        else:
            yield Line(str(aligned.path), number, f"{prefix}{number}", tag, text=text)

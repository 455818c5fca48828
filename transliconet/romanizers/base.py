"""Romanizers behind one small interface."""

from typing import Protocol


class Romanizer(Protocol):
    """Turns text into Latin script."""

    name: str
    version: str

    def __call__(self, text: str, language: str) -> str:
        """Romanize ``text`` of the ISO 639-3 ``language``. May raise anything; the caller counts
        it.
        """
        ...


class Identity:
    """No romanization: the text itself. For sources that are in Latin script already."""

    name = "none"
    version = "1"

    def __call__(self, text: str, language: str) -> str:
        return text


def romanize_line(romanize: Romanizer, text: str, language: str) -> tuple[str, str]:
    """The romanization, and what the romanizer raised on the whole line, or an empty string.

    Where it raises, each word is romanized alone; where a word raises, each of its characters; a
    character that raises stays as it is.
    """
    try:
        return romanize(text, language), ""
    # third-party code on arbitrary text: whatever it raises is the line's, not the run's
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"
    return " ".join(_pieces(romanize, word, language) for word in text.split(" ")), failure


def _pieces(romanize: Romanizer, word: str, language: str) -> str:
    try:
        return romanize(word, language)
    except Exception:
        return "".join(_character(romanize, c, language) for c in word)


def _character(romanize: Romanizer, character: str, language: str) -> str:
    try:
        return romanize(character, language)
    except Exception:
        return character

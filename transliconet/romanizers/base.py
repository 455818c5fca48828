"""The interface of romanizers, and the fallback for a line that one raises on."""

from importlib.util import find_spec
from typing import Protocol

from transliconet.errors import ConfigError, Option


class Romanizer(Protocol):
    """Turns text into Latin script.

    A romanizer of your own is a class with these three members, in any module that Python finds.
    Here is a whole one, in ``my_romanizer.py``:

    >>> class Greeklish:
    ...     name = "greeklish"
    ...     version = "1"
    ...     letters = str.maketrans("αβγδεζηικλμνοπρσςτυωάί", "abgdeziiklmnoprsstyoai")
    ...
    ...     def __call__(self, text: str, language: str) -> str:
    ...         return text.lower().translate(self.letters)

    The command line takes it with ``"corpus.romanizer={_target_: my_romanizer.Greeklish}"``; other
    keys of that mapping are arguments of the class. In Python, pass an instance:
    ``prepare(reader, Greeklish(), out)``.

    It is sent to worker processes, so it has to be picklable: load large tables at the first call.
    """

    name: str
    """Is written to the manifest, with ``version``: pairs of other romanizers are other pairs."""
    version: str

    def __call__(self, text: str, language: str) -> str:
        """Romanize one line.

        Args:
            text: without line breaks, in Unicode NFC.
            language: a tag such as ``hin_Deva``, or its ISO 639-3 half alone.

        Returns:
            The romanization. An empty one drops the line, as ``empty_romanization``.

        Raises:
            Exception: anything; the line is then romanized word by word, and listed as
                ``romanizer_fallback``.
        """
        ...


class Identity:
    """No romanization: the text itself. For sources that are in Latin script already."""

    name = "none"
    version = "1"

    def __call__(self, text: str, language: str) -> str:
        return text


def required_package(module: str, romanizer: str, remedy: str = "") -> None:
    """Check, without importing it, that a package is installed.

    Args:
        module: name to import it by.
        romanizer: that needs it.
        remedy: how to install it; by default the extra ``romanizers``.

    Raises:
        ConfigError: it is not installed.
    """
    if find_spec(module) is None:
        raise ConfigError(
            Option("romanizer", romanizer),
            f"the package {module} is not installed",
            remedy or "pip install -e '.[romanizers]' in a checkout",
            code="TLN-CONFIG-243",
        )


def check_romanizer(candidate: object, given: object) -> Romanizer:
    """Check that an object has the members of :class:`Romanizer`.

    Args:
        candidate: the object.
        given: what the user wrote, for the error.

    Returns:
        The object.

    Raises:
        ConfigError: a member is missing.
    """
    labels = getattr(candidate, "name", None), getattr(candidate, "version", None)
    if callable(candidate) and all(isinstance(label, str) and label for label in labels):
        return candidate  # type: ignore[return-value]
    raise ConfigError(
        given,
        "not a romanizer",
        "Give a class with name, version and __call__(text, language), see docs/romanizer.md",
        code="TLN-CONFIG-241",
    )


def describe_romanizer(romanizer: Romanizer) -> dict[str, object]:
    """Describe a romanizer for the manifest.

    Args:
        romanizer: one that is made of others
            (:class:`~transliconet.romanizers.by_language.ByLanguage`) has a method ``describe``.

    Returns:
        Its name and version, and what ``describe`` returns.
    """
    describe = getattr(romanizer, "describe", None)
    more = describe() if callable(describe) else {}
    return {"name": romanizer.name, "version": romanizer.version, **more}


def romanize_line(romanize: Romanizer, text: str, language: str) -> tuple[str, str]:
    """Romanize a line, also where the romanizer raises.

    Where it raises on the line, each word is romanized alone; where it raises on a word, each
    character; where it raises on a character, that stays as it is.

    Args:
        romanize: the romanizer.
        text: one line.
        language: its tag or code.

    Returns:
        The romanization, and what the romanizer raised on the whole line, or an empty string.
    """
    try:
        return romanize(text, language), ""
    # third-party code on arbitrary text: whatever it raises is about the line, not the run
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"
    words = [_romanize_word(romanize, word, language) for word in text.split(" ")]
    return " ".join(words), failure


def _romanize_word(romanize: Romanizer, word: str, language: str) -> str:
    try:
        return romanize(word, language)
    except Exception:
        return "".join(_romanize_character(romanize, c, language) for c in word)


def _romanize_character(romanize: Romanizer, character: str, language: str) -> str:
    try:
        return romanize(character, language)
    except Exception:
        return character

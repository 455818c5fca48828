"""Another romanizer for each language or script."""

from collections.abc import Mapping

from transliconet.romanizers.base import Romanizer

DEFAULT = "default"
"""Key of the romanizer of all other languages."""


class ByLanguage:
    """Romanizes each language with a romanizer of its own.

    The most specific key of the map counts: the tag (``srp_Cyrl``), then the language (``srp``),
    then the script (``Cyrl``), then ``default``.

    Args:
        romanizers: key → romanizer; ``default`` has to be among them.
        name: of this choice, for the manifest.
    """

    def __init__(self, romanizers: Mapping[str, Romanizer], name: str = "by_language") -> None:
        self.romanizers, self.name = dict(romanizers), name
        parts = (f"{key}: {r.name} {r.version}" for key, r in self.romanizers.items())
        self.version = ", ".join(parts)

    def for_language(self, language: str) -> Romanizer:
        """The romanizer of ``language``, a tag or a bare language code."""
        code, _, script = language.partition("_")
        for key in (language, code, script):
            if key in self.romanizers:
                return self.romanizers[key]
        return self.romanizers[DEFAULT]

    def __call__(self, text: str, language: str) -> str:
        return self.for_language(language)(text, language)

    def describe(self) -> dict[str, object]:
        """Name and version of each romanizer by its key, for the manifest."""
        described = {}
        for key, romanizer in self.romanizers.items():
            described[key] = {"name": romanizer.name, "version": romanizer.version}
        return {"languages": described}

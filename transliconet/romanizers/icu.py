"""ICU's transliterator."""

from transliconet.errors import ConfigError, Option


class Icu:
    """ICU's general transliterator, ``Any-Latin; Latin-ASCII``, through PyICU (extra ``icu``).
    Ignores the language.

    Raises:
        ConfigError: PyICU is not installed.
    """

    name = "icu"
    RULES = "Any-Latin; Latin-ASCII"

    def __init__(self) -> None:
        try:
            import icu
        except ImportError as error:
            raise ConfigError(
                Option("romanizer", "icu"),
                "PyICU is not installed",
                "pip install -e '.[icu]' in a checkout (needs ICU's headers)",
                code="TLN-CONFIG-240",
            ) from error
        self.version = f"ICU {icu.ICU_VERSION}"
        self._transliterator = icu.Transliterator.createInstance(self.RULES)

    def __call__(self, text: str, language: str) -> str:
        return str(self._transliterator.transliterate(text))

    def __reduce__(self) -> tuple:
        return type(self), ()

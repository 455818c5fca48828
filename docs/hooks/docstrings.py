"""griffe extension: the reStructuredText that docstrings hold, as the Markdown that the site is
made of.

Equations (``.. math::``, ``:math:``), references (``:func:`` and its like) and examples (``>>>``);
the rest of a Google-style docstring is Markdown already.
"""

import re
from typing import Any

from griffe import Extension, NameResolutionError, Object

BLOCK = re.compile(r"^\.\. math::\s+(.*?)(?=\n\s*\n|\Z)", re.M | re.S)
INLINE = re.compile(r":math:`(.+?)`", re.S)
REFERENCE = re.compile(r":(?:attr|class|data|func|meth|mod):`~?([\w.]+)`")
EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\s*$).+)*", re.M)


class Docstrings(Extension):
    """Rewrites every docstring of a package once it is loaded."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value, obj)


def markdown(text: str, obj: Object) -> str:
    """The docstring ``text`` of ``obj``, in Markdown."""
    text = BLOCK.sub(lambda m: f"\\[\n{m[1]}\n\\]", text)
    text = INLINE.sub(lambda m: rf"\({' '.join(m[1].split())}\)", text)
    text = REFERENCE.sub(lambda m: _reference(m[1], obj), text)
    return EXAMPLE.sub(lambda m: f"```pycon\n{m[0]}\n```", text)


def _reference(name: str, obj: Object) -> str:
    """A link where the site has the object, else its name alone."""
    try:
        path = obj.resolve(name) if "." not in name else name
    except NameResolutionError:
        path = name
    return f'<autoref identifier="{path}" optional><code>{name.rpartition(".")[2]}</code></autoref>'

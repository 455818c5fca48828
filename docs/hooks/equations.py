"""mkdocs hook: equations as MathML, which browsers draw by themselves; no script and no network.

pymdownx.arithmatex finds ``$…$``, ``\\(…\\)`` and ``\\[…\\]`` in a page and marks them; here each
becomes MathML.
"""

import re
from html import unescape
from typing import Any

from latex2mathml.converter import convert

MARKED = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.S)


def mathml(found: re.Match[str]) -> str:
    """The MathML of one marked equation: a ``div`` stands on its own, a ``span`` in its line."""
    element, latex = found.groups()
    drawn = convert(unescape(latex).strip(), display="block" if element == "div" else "inline")
    return drawn.replace(
        "<mo>&#x02016;", '<mo stretchy="false">&#x02016;'
    )  # a norm's ‖ would sink with its exponent


def on_page_content(html: str, **_: Any) -> str:
    """Called by mkdocs with every page's HTML."""
    return MARKED.sub(mathml, html)

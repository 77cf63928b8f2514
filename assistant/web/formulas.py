"""LaTeX formulas as MathML, which browsers draw themselves: no script, no fonts.

A formula that cannot be converted stays as it was written, in code.
"""

from __future__ import annotations

import html
from functools import lru_cache
from xml.etree import ElementTree

LONGEST = 3_000  # characters of a formula

# MathML Core; `maction` and links are left out, and so is every attribute that styles.
MATH_TAGS = frozenset(
    "math merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms "
    "mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none".split()
)
MATH_ATTRIBUTES = frozenset(
    "accent accentunder columnalign display displaystyle fence form largeop linethickness "
    "lspace mathvariant maxsize minsize movablelimits rspace scriptlevel separator stretchy "
    "symmetric xmlns".split()
)


@lru_cache(maxsize=1024)
def formula_html(latex: str, *, display: bool) -> str:
    """A formula as HTML: MathML with its source as a title, or the source alone."""
    source = html.escape(latex.strip())
    mathml = _mathml(latex, display) if len(latex) <= LONGEST else None
    kind = "formula display" if display else "formula"
    if mathml is None:
        return f'<code class="{kind}">{source}</code>'
    return f'<span class="{kind}" title="{source}">{mathml}</span>'


def _mathml(latex: str, display: bool) -> str | None:
    from latex2mathml.converter import convert_to_element

    try:
        root = convert_to_element(latex, display="block" if display else "inline")
        # The converter writes references for its symbols and leaves the words of the note
        # as they are: both become plain text here, which is escaped as it is written out.
        for element in root.iter():
            element.text = html.unescape(element.text) if element.text else element.text
            if element.tag not in MATH_TAGS:
                element.tag = "mrow"
            for name in set(element.attrib) - MATH_ATTRIBUTES:
                del element.attrib[name]
        written = ElementTree.tostring(root, encoding="unicode", method="html")
    except Exception:  # the converter fails on wrong LaTeX in many ways of its own
        return None
    return written if len(written) <= 100 * LONGEST else None

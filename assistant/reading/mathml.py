"""Formulas in MathML (OpenDocument, web pages) as LaTeX, so that they are read and searched.

The TeX that an author's tool noted beside the formula is taken where there is some; else
the presentation elements are written: fractions, roots, exponents, indices, bounds,
brackets and tables, as in MathML Core. Left out: spacing, styles and alignment; an unknown
element gives what it holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.reading.office_formula import OPERATORS, literal

if TYPE_CHECKING:
    from lxml.etree import _Element

_ACCENTS = {"→": r"\vec", "⃗": r"\vec", "^": r"\hat", "ˆ": r"\hat", "¯": r"\bar", "‾": r"\bar",
            "˙": r"\dot", "~": r"\tilde", "˜": r"\tilde"}  # fmt: skip
_UNREAD = frozenset({"annotation", "annotation-xml", "mspace", "mphantom", "none", "mprescripts"})
_INVISIBLE = str.maketrans("", "", "\u2061\u2062\u2063\u2064")  # apply, times, comma, plus


def latex(formula: _Element) -> str:
    """Return the LaTeX of a `math` element, without the dollar signs."""
    for element in formula.iter():
        encoding = (element.get("encoding") or "").lower()
        if _name(element) == "annotation" and "tex" in encoding and (element.text or "").strip():
            return " ".join(str(element.text).split()).strip("$")
    return " ".join(_sequence(_parts(formula)).split())


def _name(element: _Element) -> str:
    """The local name in small letters; empty for a comment."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _parts(element: _Element) -> list[_Element]:
    return [child for child in element if _name(child) not in _UNREAD | {""}]


def _sequence(elements: list[_Element]) -> str:
    parts: list[str] = []
    for element in elements:
        term = _term(element)
        is_command = bool(parts) and parts[-1].startswith("\\") and parts[-1][-1:].isalpha()
        parts.append(" " + term if is_command and term[:1].isalpha() else term)
    return "".join(parts)


def _base(element: _Element) -> str:
    content = _term(element)
    is_one = len(content) <= 1 or content.removeprefix("\\").isalnum()
    return content if is_one else "{" + content + "}"


def _term(element: _Element) -> str:
    name, parts = _name(element), _parts(element)
    groups = ["{" + _term(part) + "}" for part in parts]
    match name, len(parts):
        case (("mi" | "mn" | "mo" | "mtext" | "ms"), _):
            words = "".join(map(str, element.itertext())).translate(_INVISIBLE)
            words = " ".join(words.split())
            if name == "mtext":
                return rf"\text{{{literal(words)}}}" if words else ""
            return OPERATORS.get(words, literal(words))
        case "mfrac", 2:
            return rf"\frac{groups[0]}{groups[1]}"
        case "msup", 2:
            return f"{_base(parts[0])}^{groups[1]}"
        case (("msub" | "munder"), 2):
            return f"{_base(parts[0])}_{groups[1]}"
        case "mover", 2:
            accent = _ACCENTS.get("".join(map(str, parts[1].itertext())).strip())
            return f"{accent}{groups[0]}" if accent else f"{_base(parts[0])}^{groups[1]}"
        case (("msubsup" | "munderover"), 3):
            return f"{_base(parts[0])}_{groups[1]}^{groups[2]}"
        case "msqrt", _:
            return r"\sqrt{" + _sequence(parts) + "}"
        case "mroot", 2:
            return rf"\sqrt[{_term(parts[1])}]{groups[0]}"
        case "mfenced", _:
            opening, closing = element.get("open", "("), element.get("close", ")")
            return literal(opening) + ", ".join(map(_term, parts)) + literal(closing)
        case "mtable", _:
            rows = [" & ".join(map(_term, _parts(row))) for row in parts]
            return r"\begin{matrix}" + r" \\ ".join(rows) + r"\end{matrix}"
        case _:
            return _sequence(parts)

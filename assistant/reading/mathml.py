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
    return _joined([_term(element) for element in elements])


def _joined(terms: list[str]) -> str:
    parts: list[str] = []
    for term in terms:
        is_command = bool(parts) and parts[-1].startswith("\\") and parts[-1][-1:].isalpha()
        parts.append(" " + term if is_command and term[:1].isalpha() else term)
    return "".join(parts)


def _base(content: str) -> str:
    is_one = len(content) <= 1 or content.removeprefix("\\").isalnum()
    return content if is_one else "{" + content + "}"


def _term(element: _Element) -> str:
    name, parts = _name(element), _parts(element)
    if name in ("mi", "mn", "mo", "mtext", "ms"):
        words = "".join(map(str, element.itertext())).translate(_INVISIBLE)
        words = " ".join(words.split())
        if name == "mtext":
            return rf"\text{{{literal(words)}}}" if words else ""
        return OPERATORS.get(words, literal(words))
    if name == "mtable":
        rows = [" & ".join(map(_term, _parts(row))) for row in parts]
        return r"\begin{matrix}" + r" \\ ".join(rows) + r"\end{matrix}"
    terms = [_term(part) for part in parts]  # each once: elements may be nested deep
    match name, terms:
        case "mfrac", [over, under]:
            return rf"\frac{{{over}}}{{{under}}}"
        case "msup", [base, high]:
            return f"{_base(base)}^{{{high}}}"
        case (("msub" | "munder"), [base, low]):
            return f"{_base(base)}_{{{low}}}"
        case "mover", [base, high]:
            accent = _ACCENTS.get("".join(map(str, parts[1].itertext())).strip())
            return f"{accent}{{{base}}}" if accent else f"{_base(base)}^{{{high}}}"
        case (("msubsup" | "munderover"), [base, low, high]):
            return f"{_base(base)}_{{{low}}}^{{{high}}}"
        case "msqrt", _:
            return r"\sqrt{" + _joined(terms) + "}"
        case "mroot", [base, degree]:
            return rf"\sqrt[{degree}]{{{base}}}"
        case "mfenced", _:
            opening, closing = element.get("open", "("), element.get("close", ")")
            return literal(opening) + ", ".join(terms) + literal(closing)
        case _:
            return _joined(terms)

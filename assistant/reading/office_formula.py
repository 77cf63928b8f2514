"""Formulas of Word and PowerPoint (OMML) as LaTeX, so that they are read and searched.

Fractions, roots, exponents, indices, sums, brackets and matrices, as in ECMA-376 part 1,
chapter 22.1. Left out: spacing, styles and alignment; an unknown element gives its text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_RESERVED = re.compile(r"[{}$&%#]")  # signs that would be markup in LaTeX
OPERATORS = {"∑": r"\sum", "∏": r"\prod", "∫": r"\int", "∬": r"\iint", "∮": r"\oint"}


def literal(text: str) -> str:
    """Return characters so that LaTeX shows them: the brace of a set is no group."""
    return _RESERVED.sub(r"\\\g<0>", text.replace("\\", r"\backslash "))


def linear(formula: _Element) -> str:
    """Return the LaTeX of an `m:oMath` element, without the dollar signs."""
    return " ".join(_sequence(formula).split())


def _sequence(element: _Element | None) -> str:
    return "" if element is None else "".join(map(_term, element))


def _group(element: _Element | None) -> str:
    return "{" + _sequence(element) + "}"


def _base(element: _Element | None) -> str:
    content = _sequence(element)
    return content if len(content) <= 1 or content.isalnum() else "{" + content + "}"


def _property(element: _Element, name: str, default: str) -> str:
    """Return the value of a property such as the sign of a sum: `m:naryPr/m:chr`."""
    found = element.find(f"*/{_M}{name}")
    return default if found is None else literal(str(found.get(f"{_M}val", default)))


def _term(element: _Element) -> str:
    tag = str(element.tag).removeprefix(_M)

    def part(name: str) -> _Element | None:
        return element.find(_M + name)

    match tag:
        case "t":
            return literal(element.text or "")
        case "f":
            return rf"\frac{_group(part('num'))}{_group(part('den'))}"
        case "sSup":
            return _base(part("e")) + "^" + _group(part("sup"))
        case "sSub":
            return _base(part("e")) + "_" + _group(part("sub"))
        case "sSubSup":
            return f"{_base(part('e'))}_{_group(part('sub'))}^{_group(part('sup'))}"
        case "rad":
            degree = _sequence(part("deg"))
            return r"\sqrt" + (f"[{degree}]" if degree else "") + _group(part("e"))
        case "nary":
            sign = _property(element, "chr", "∫")
            low, high = _sequence(part("sub")), _sequence(part("sup"))
            bounds = (f"_{{{low}}}" if low else "") + (f"^{{{high}}}" if high else "")
            return f"{OPERATORS.get(sign, sign)}{bounds} {_sequence(part('e'))}"
        case "d":
            inside = ", ".join(_sequence(e) for e in element.findall(f"{_M}e"))
            return _property(element, "begChr", "(") + inside + _property(element, "endChr", ")")
        case "func":
            return f"{_sequence(part('fName'))} {_sequence(part('e'))}"
        case "limLow":
            return f"{_sequence(part('e'))}_{_group(part('lim'))}"
        case "m":
            rows = [
                " & ".join(_sequence(e) for e in row.findall(f"{_M}e"))
                for row in element.findall(f"{_M}mr")
            ]
            return r"\begin{matrix}" + r" \\ ".join(rows) + r"\end{matrix}"
        case _:
            return "" if tag.endswith("Pr") else _sequence(element)

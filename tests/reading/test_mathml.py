"""MathML as LaTeX, alone and where OpenDocument files and web pages hold it."""

from __future__ import annotations

import io
import zipfile

import pytest
from lxml import etree

from assistant.reading.mathml import latex
from assistant.reading.open_document import read_odp, read_odt
from assistant.reading.web_page import read_html

_MATH = "http://www.w3.org/1998/Math/MathML"
_OASIS = "urn:oasis:names:tc:opendocument:xmlns"
_ENERGY = (  # as LibreOffice writes it, with its own language beside
    "<semantics><mrow><msub><mi>E</mi><mi>c</mi></msub><mo>=</mo><mfrac><mn>1</mn><mn>2</mn>"
    "</mfrac><mi>m</mi><msup><mi>v</mi><mn>2</mn></msup></mrow>"
    '<annotation encoding="StarMath 5.0">E_c = {1} over {2} m v^2</annotation></semantics>'
)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (_ENERGY, r"E_{c}=\frac{1}{2}mv^{2}"),
        ("<msqrt><mi>a</mi><mo>+</mo><mi>b</mi></msqrt>", r"\sqrt{a+b}"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", r"\sqrt[3]{x}"),
        (
            "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi>"
            "</munderover><mi>i</mi>",
            r"\sum_{i=1}^{n}i",
        ),
        ("<mo>∫</mo><mi>f</mi>", r"\int f"),
        ("<mover><mi>u</mi><mo>→</mo></mover>", r"\vec{u}"),
        ("<mfenced open='{' close='}'><mn>1</mn><mn>2</mn></mfenced>", r"\{1, 2\}"),
        (
            "<mtable><mtr><mtd><mi>a</mi></mtd><mtd><mi>b</mi></mtd></mtr>"
            "<mtr><mtd><mi>c</mi></mtd><mtd><mi>d</mi></mtd></mtr></mtable>",
            r"\begin{matrix}a & b \\ c & d\end{matrix}",
        ),
        ("<msup><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></msup>", "{a+b}^{2}"),
        ("<mtext>si 5 % de $</mtext>", r"\text{si 5 \% de \$}"),
        ("<mfrac><mn>1</mn></mfrac>", "1"),  # broken: what it holds is kept
        (
            '<mi>x</mi><annotation encoding="application/x-tex">x_1  + y</annotation>',
            "x_1 + y",
        ),
    ],
)
def test_a_formula_is_latex(formula: str, expected: str) -> None:
    assert latex(etree.fromstring(f'<math xmlns="{_MATH}">{formula}</math>')) == expected
    assert latex(etree.fromstring(f"<math>{formula}</math>", etree.HTMLParser())) == expected


def _document(kind: str, frame: str, **objects: str) -> bytes:
    names = ("office", "text", "drawing", "presentation")
    spaces = " ".join(f'xmlns:{n.replace("drawing", "draw")}="{_OASIS}:{n}:1.0"' for n in names)
    spaces += ' xmlns:xlink="http://www.w3.org/1999/xlink"'
    content = (
        f"<office:document-content {spaces}><office:body><office:{kind}>{frame}"
        f"</office:{kind}></office:body></office:document-content>"
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("content.xml", content)
        for name, inside in objects.items():
            archive.writestr(f"{name}/content.xml", inside)
    return target.getvalue()


def test_formulas_of_open_documents() -> None:
    formula = f'<math xmlns="{_MATH}">{_ENERGY}</math>'
    linked = '<draw:frame><draw:object xlink:href="./Object1"/></draw:frame>'
    inline = f"<draw:frame><draw:object>{formula}</draw:object></draw:frame>"
    chart = linked.replace("Object1", "Chart")
    text = f"<text:p>L'énergie {linked} ou {inline}{chart}.</text:p>"
    objects = {"Object1": formula, "Chart": "<office>Axe</office>"}
    energy = r"$E_{c}=\frac{1}{2}mv^{2}$"
    assert read_odt(_document("text", text, **objects), "x").text == (
        f"L'énergie {energy} ou {energy}.\n"
    )
    page = f"<draw:page>{linked}</draw:page>"
    assert read_odp(_document("presentation", page, **objects), "x").text == (
        f"## Diapo 1\n\n{energy}\n"
    )


def test_formulas_of_web_pages() -> None:
    page = f"<p>L'énergie <math>{_ENERGY}</math> est cinétique.</p>"
    assert read_html(page.encode(), "p.html").text == (
        "L'énergie $E_{c}=\\frac{1}{2}mv^{2}$ est cinétique.\n"
    )


@pytest.mark.parametrize(
    ("opening", "closing", "first"),
    [("<mrow>", "</mrow>", "x"), ("<msup>", "<mn>2</mn></msup>", "{" * 39 + "x^{2}}^{2}")],
)
def test_a_formula_nested_deep_takes_no_longer_than_a_flat_one(
    opening: str, closing: str, first: str
) -> None:
    written = f"<math>{opening * 40}<mi>x</mi>{closing * 40}</math>"
    assert latex(etree.fromstring(written)).startswith(first)

"""DOCX, PPTX, XLSX, ODT, ODP, EPUB, CSV and notebooks made here by other libraries."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.reading.book import read_epub
from assistant.reading.extracted import Extracted, UnreadableNoteError
from assistant.reading.notebook import read_notebook
from assistant.reading.open_document import read_odp, read_odt
from assistant.reading.slides import read_pptx
from assistant.reading.spreadsheet import read_csv, read_xlsx
from assistant.reading.word import read_docx


def saved(document):
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def docx_bytes():
    import docx

    document = docx.Document()
    document.core_properties.title = "Cours"
    document.add_heading("Réseaux", 1)
    document.add_paragraph("Un réseau relie des machines.")
    document.add_paragraph("commutateur", style="List Bullet")
    document.add_paragraph("cuivre", style="List Bullet 2")
    document.add_paragraph("routeur", style="List Bullet")
    table = document.add_table(2, 2)
    for cell, words in zip(table._cells, ["Couche", "Rôle", "IP", "adresser"], strict=True):
        cell.text = words
    return saved(document)


def pptx_bytes():
    import pptx

    presentation = pptx.Presentation()
    for title, words in (("Piles", "dernier entré"), ("Files", "premier entré")):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text_frame.text = words
        inner = slide.placeholders[1].text_frame.add_paragraph()
        inner.text, inner.level = "premier sorti", 1
    slide.notes_slide.notes_text_frame.text = "Montrer la queue."
    return saved(presentation)


def xlsx_bytes():
    import openpyxl

    workbook = openpyxl.Workbook()
    workbook.active.title = "Planètes"
    workbook.active.append(["Nom", "Lunes"])
    workbook.active.append(["Mars", 2])
    workbook.create_sheet("Étoiles").append(["Nom", "Type"])
    workbook["Étoiles"].append(["Soleil", "G2"])
    return saved(workbook)


def odt_bytes():
    from odf.opendocument import OpenDocumentText
    from odf.text import H, List, ListItem, P

    document = OpenDocumentText()
    document.text.addElement(H(outlinelevel=1, text="Titre"))
    document.text.addElement(P(text="Un paragraphe."))
    outer, item = List(), ListItem()
    item.addElement(P(text="un"))
    inner, inner_item = List(), ListItem()
    inner_item.addElement(P(text="deux"))
    inner.addElement(inner_item)
    item.addElement(inner)
    outer.addElement(item)
    document.text.addElement(outer)
    return saved(document)


def odp_bytes():
    from odf.draw import Frame, Page, TextBox
    from odf.namespaces import PRESENTATIONNS
    from odf.opendocument import OpenDocumentPresentation
    from odf.style import MasterPage, PageLayout
    from odf.text import P

    document = OpenDocumentPresentation()
    document.automaticstyles.addElement(PageLayout(name="l"))
    document.masterstyles.addElement(MasterPage(name="m", pagelayoutname="l"))
    for title, words in (("Ouverture", "Bonjour."), ("Fin", "Au revoir.")):
        page = Page(masterpagename="m")
        for role, content in (("title", title), ("outline", words)):
            frame, box = Frame(), TextBox()
            frame.setAttrNS(PRESENTATIONNS, "class", role)
            box.addElement(P(text=content))
            frame.addElement(box)
            page.addElement(frame)
        document.presentation.addElement(page)
    return saved(document)


def zipped(entries):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return stream.getvalue()


def epub_bytes():
    chapters = {
        f"O/{n}.xhtml": f"<html><body><h1>Chapitre {n}</h1><p>Texte {n}.</p></body></html>"
        for n in (1, 2)
    }
    return zipped(
        {
            "META-INF/container.xml": '<container><rootfiles><rootfile full-path="O/p.opf"/>'
            "</rootfiles></container>",
            "O/p.opf": "<package><metadata><title>Livre</title></metadata><manifest>"
            '<item id="a" href="1.xhtml"/><item id="b" href="2.xhtml"/></manifest>'
            '<spine><itemref idref="b"/><itemref idref="a"/></spine></package>',
        }
        | chapters
    )


NOTEBOOK = json.dumps(
    {
        "metadata": {"kernelspec": {"language": "python"}},
        "cells": [
            {"cell_type": "markdown", "source": ["# Calcul\n", "Un essai."]},
            {"cell_type": "code", "source": "1 + 1", "outputs": [{"text": "SORTIE"}]},
        ],
    }
).encode()
TABLE = "| Nom | Lunes |\n| --- | --- |\n| Mars | 2 |"
WHOLE = [
    (
        read_docx,
        docx_bytes(),
        "# Réseaux\n\nUn réseau relie des machines.\n\n- commutateur\n    - cuivre\n- routeur\n\n"
        "| Couche | Rôle |\n| --- | --- |\n| IP | adresser |\n",
        [],
    ),
    (
        read_pptx,
        pptx_bytes(),
        "## Piles\n\n- dernier entré\n    - premier sorti\n\n"
        "## Files\n\n- premier entré\n    - premier sorti\n\nNotes : Montrer la queue.\n",
        [("## Piles", "slide", 1), ("## Files", "slide", 2)],
    ),
    (
        read_xlsx,
        xlsx_bytes(),
        f"## Planètes\n\n{TABLE}\n\n## Étoiles\n\n| Nom | Type |\n| --- | --- |\n| Soleil | G2 |\n",
        [("## Planètes", "sheet", 1), ("## Étoiles", "sheet", 2)],
    ),
    (read_odt, odt_bytes(), "# Titre\n\nUn paragraphe.\n\n- un\n    - deux\n", []),
    (
        read_odp,
        odp_bytes(),
        "## Ouverture\n\nBonjour.\n\n## Fin\n\nAu revoir.\n",
        [("## Ouverture", "slide", 1), ("## Fin", "slide", 2)],
    ),
    (
        read_epub,
        epub_bytes(),
        "# Chapitre 2\n\nTexte 2.\n\n# Chapitre 1\n\nTexte 1.\n",
        [("# Chapitre 2", "chapter", 1), ("# Chapitre 1", "chapter", 2)],
    ),
    (
        read_notebook,
        NOTEBOOK,
        "# Calcul\nUn essai.\n\n```python\n1 + 1\n```\n",
        [("# Calcul", "cell", 1), ("```python", "cell", 2)],
    ),
    (
        read_csv,
        b"Nom;Lunes\nMars;2\n",
        TABLE + "\n",
        [("| Nom", "line", 1), ("| Mars", "line", 2)],
    ),
]
IDS = [reader.__name__ for reader, *_ in WHOLE]


@pytest.mark.parametrize(("reader", "data", "text", "places"), WHOLE, ids=IDS)
def test_text_and_places_are_exact(reader, data, text, places):
    extracted = reader(data, "x")
    assert extracted.text == text
    found = [(place.start, place.unit, place.number) for place in extracted.places]
    assert found == [(text.index(opening), unit, number) for opening, unit, number in places]


@pytest.mark.parametrize(("reader", "data", "text", "places"), WHOLE, ids=IDS)
@settings(max_examples=40, deadline=None)
@given(draw=st.data())
def test_damage_gives_a_note_or_a_reason(reader, data, text, places, draw):
    damaged = bytearray(data[: draw.draw(st.integers(0, len(data)))])
    for _ in range(draw.draw(st.integers(0, 6)) if damaged else 0):
        damaged[draw.draw(st.integers(0, len(damaged) - 1))] ^= draw.draw(st.integers(1, 255))
    try:
        assert isinstance(reader(bytes(damaged), "x"), Extracted)
    except UnreadableNoteError as error:
        assert str(error)


ZIPPED = [row[:2] for row in WHOLE if row[1].startswith(b"PK")]


def replaced(data, suffix, content):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in entries if name.endswith(suffix))
    return zipped(entries | {name: content(entries[name])})


@pytest.mark.parametrize(("reader", "data"), ZIPPED)
def test_a_bomb_is_refused_before_it_is_parsed(reader, data):
    bomb = replaced(data, ".xml", lambda content: content + b" " * 40_000_000)
    with pytest.raises(UnreadableNoteError, match="bombe"):
        reader(bomb, "x")


@pytest.mark.parametrize(("reader", "data"), ZIPPED)
@pytest.mark.parametrize("start", [b"<html>bonjour", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_another_format_is_named(reader, data, start):
    with pytest.raises(UnreadableNoteError, match=r"malgré son nom|ancien format"):
        reader(start, "x")


def test_an_encrypted_office_file_is_named():
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")
    with pytest.raises(UnreadableNoteError, match="mot de passe"):
        read_docx(data, "x.docx")


@pytest.mark.parametrize(
    ("reader", "suffix", "word"),
    [
        (read_docx, "word/document.xml", "routeur"),
        (read_pptx, "slide1.xml", "Piles"),
        (read_odt, "content.xml", "paragraphe"),
        (read_xlsx, "sheet1.xml", "Mars"),
        (read_epub, "1.xhtml", "Texte"),
    ],
)
def test_entities_are_not_expanded(reader, suffix, word, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    data = next(row[1] for row in WHOLE if row[0] is reader)
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<!DOCTYPE x [<!ENTITY f SYSTEM "file://{secret}"><!ENTITY e0 "BOUM">{entities}]>'

    def poison(content):
        declaration, body = content.split(b"?>", 1) if b"?>" in content else (b"<?xml", content)
        body = body.replace(word.encode(), f"{word} &e9; &f;".encode())
        return (
            (declaration if b"version" in declaration else b'<?xml version="1.0"')
            + b"?>"
            + head.encode()
            + body
        )

    try:
        text = reader(replaced(data, suffix, poison), "x").text
    except UnreadableNoteError:
        return
    assert word in text and "BOUM" not in text and "SECRET" not in text


def test_a_long_table_repeats_its_header_and_keeps_its_lines():
    rows = "".join(f"{n};mot{n}\n" for n in range(2, 80))
    extracted = read_csv(("n;mot\n" + rows).encode(), "x.csv")
    assert extracted.text.count("| n | mot |") == 4
    for number in (2, 27, 79):
        offset = extracted.text.index(f"| mot{number} |")
        assert [p.number for p in extracted.places if p.start <= offset][-1] == number

"""PDF documents made here: text, pages, columns, running lines; damage gives a reason."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from fpdf import FPDF
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.reading.extracted import Extracted, UnreadableNoteError
from assistant.reading.pdf import read_pdf

LEFT = [
    "La photosynthese est le processus qui",
    "permet aux plantes de fabriquer des",
    "sucres a partir de la lumiere et du gaz",
    "carbonique de l'air qui les entoure. Elle",
    "a lieu dans les chloroplastes des feuil-",
    "les vertes pendant toute la journee.",
]
RIGHT = [
    "La respiration est le processus inverse",
    "et consomme le dioxygene de l'air pour",
    "liberer toute l'energie que les sucres",
    "contiennent. Elle a lieu le jour et la",
    "nuit dans les mitochondries de chaque",
    "cellule vivante de notre organisme.",
]


def two_columns():
    document = FPDF(unit="pt")
    document.add_page()
    document.set_font("Helvetica", size=22)
    document.text(60, 80, "Les plantes")
    document.set_font("Helvetica", size=10)
    for row, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):  # drawn row by row
        document.text(60, 120 + 12 * row, left)
        document.text(320, 120 + 12 * row, right)
    return bytes(document.output())


def course(pages=4):
    document = FPDF(unit="pt")
    document.set_title("Cours de biologie")
    for page in range(1, pages + 1):
        document.add_page()
        document.set_font("Helvetica", size=9)
        document.text(60, 40, "Lycee Pasteur - Biologie")
        document.text(300, 820, f"{page} / {pages}")
        document.set_font("Helvetica", size=18)
        document.text(60, 120, f"Chapitre {'un deux trois quatre'.split()[page - 1]}")
        document.set_font("Helvetica", size=11)
        document.text(60, 160, f"Le mot secret de cette page est marmotte{page}.")
        document.set_font("Courier", size=10)
        document.text(60, 200, "for x in y:")
        document.text(84, 212, "print(x)")
    return bytes(document.output())


COURSE = course()


def page_of(extracted, quote):
    offset = extracted.text.index(quote)
    return [place.number for place in extracted.places if place.start <= offset][-1]


def test_columns_are_read_one_after_the_other_and_hyphens_mended():
    assert read_pdf(two_columns(), "plantes.pdf").text == (
        "# Les plantes\n\n"
        "La photosynthese est le processus qui permet aux plantes de fabriquer des sucres a partir "
        "de la lumiere et du gaz carbonique de l'air qui les entoure. Elle a lieu dans les "
        "chloroplastes des feuilles vertes pendant toute la journee.\n\n"
        "La respiration est le processus inverse et consomme le dioxygene de l'air pour liberer "
        "toute l'energie que les sucres contiennent. Elle a lieu le jour et la nuit dans les "
        "mitochondries de chaque cellule vivante de notre organisme.\n"
    )


def test_pages_headings_code_and_no_running_lines():
    extracted = read_pdf(COURSE, "x.pdf")
    assert extracted.title == "Cours de biologie"
    assert extracted.text.startswith(
        "# Chapitre un\n\nLe mot secret de cette page est marmotte1.\n\n"
        "```\nfor x in y:\n    print(x)\n```\n\n# Chapitre deux\n\n"
    )
    assert "Pasteur" not in extracted.text and "/ 4" not in extracted.text
    assert [page_of(extracted, f"marmotte{page}") for page in range(1, 5)] == [1, 2, 3, 4]


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="poppler is not installed")
def test_places_agree_with_poppler(tmp_path):
    file = tmp_path / "x.pdf"
    file.write_bytes(COURSE)
    extracted = read_pdf(COURSE, "x.pdf")
    for page in range(1, 5):
        command = ["pdftotext", "-f", str(page), "-l", str(page), str(file), "-"]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        quote = f"Le mot secret de cette page est marmotte{page}."
        assert quote in shown and page_of(extracted, quote) == page


def test_a_locked_document_is_named():
    document = FPDF()
    document.add_page()
    document.set_encryption(owner_password="a", user_password="b")
    with pytest.raises(UnreadableNoteError, match="mot de passe"):
        read_pdf(bytes(document.output()), "x.pdf")


def test_a_scan_is_named():
    from PIL import Image

    document = FPDF()
    document.add_page()
    document.image(Image.new("RGB", (50, 50), "red"))
    with pytest.raises(UnreadableNoteError, match="numérisé"):
        read_pdf(bytes(document.output()), "x.pdf")


def test_text_named_pdf_is_refused():
    with pytest.raises(UnreadableNoteError, match="n'est pas un PDF"):
        read_pdf(b"<html>bonjour</html>", "x.pdf")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(COURSE)), st.lists(st.integers(0, len(COURSE) - 1), max_size=8))
def test_damage_gives_a_note_or_a_reason(end, flips):
    damaged = bytearray(COURSE)
    for flip in flips:
        damaged[flip] ^= 0xFF
    for data in (bytes(damaged), bytes(damaged[:end])):
        try:
            assert isinstance(read_pdf(data, "x.pdf"), Extracted)
        except UnreadableNoteError as error:
            assert str(error)

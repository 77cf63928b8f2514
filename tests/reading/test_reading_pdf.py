"""PDF documents made here: text, pages, columns, running lines; damage gives a reason."""

from __future__ import annotations

import io
import shutil
import subprocess

import pytest
from fpdf import FPDF
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.reading import pdf
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


def turned(data, degrees):
    """The same pages, shown turned by a right angle, as a scanner or a poster stores them."""
    import pypdfium2

    document = pypdfium2.PdfDocument(data)
    for page in document:
        page.set_rotation(degrees)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def drawn_turned(degrees):
    """A page whose text reads upright once the page is shown turned by `degrees`."""
    document = FPDF(unit="pt", format=(400, 400))
    document.add_page()
    document.set_font("Helvetica", size=12)
    with document.rotation(degrees, 200, 200):
        for row, words in enumerate(LEFT):
            document.text(60, 120 + 14 * row, words)
    return turned(bytes(document.output()), degrees)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_page_reads_as_it_is_shown(degrees):
    assert read_pdf(drawn_turned(degrees), "x").text == read_pdf(drawn_turned(0), "x").text


def test_the_outline_names_headings_of_any_size():
    document = FPDF(unit="pt")
    document.set_font("Helvetica", size=11)
    for chapter in ("Les fichiers", "Les droits"):
        document.add_page()
        document.start_section(chapter, level=0)
        document.text(60, 100, chapter)
        document.text(60, 140, "Un paragraphe qui dit une chose et une autre.")
        document.start_section(f"Plus sur {chapter.lower()}", level=1)
        document.text(60, 180, f"Plus sur {chapter.lower()}")
        document.text(60, 220, "Encore un paragraphe qui dit autre chose.")
    text = read_pdf(bytes(document.output()), "x").text
    headings = [line for line in text.split("\n") if line.startswith("#")]
    assert headings == [
        "# Les fichiers",
        "## Plus sur les fichiers",
        "# Les droits",
        "## Plus sur les droits",
    ]


def test_a_sentence_over_the_end_of_a_page_and_its_places():
    document = FPDF(unit="pt")
    for words in (LEFT[:3], LEFT[3:]):
        document.add_page()
        document.set_font("Helvetica", size=11)
        for row, line in enumerate(words):
            document.text(60, 300 + 14 * row, line)
    extracted = read_pdf(bytes(document.output()), "x.pdf")
    assert "et du gaz\ncarbonique" in extracted.text
    assert [(p.start, p.number) for p in extracted.places] == [
        (0, 1),
        (extracted.text.index("carbonique"), 2),
    ]


def test_rows_of_a_table_stay_rows():
    document = FPDF(unit="pt")
    document.add_page()
    document.set_font("Helvetica", size=11)
    for row, cells in enumerate(
        (("Port", "Service"), ("22", "ssh"), ("80", "http"), ("53", "dns"))
    ):
        for column, cell in enumerate(cells):
            document.text(60 + 200 * column, 100 + 16 * row, cell)
    assert read_pdf(bytes(document.output()), "x").text == (
        "Port Service\n22 ssh\n80 http\n53 dns\n"
    )


def test_too_many_pages_are_a_reason(monkeypatch):
    monkeypatch.setattr(pdf, "PAGES", 3)
    with pytest.raises(UnreadableNoteError, match="4 pages, 3 au plus"):
        read_pdf(COURSE, "x.pdf")


def test_titles_over_pictures_are_kept_when_there_is_nothing_else():
    document = FPDF(unit="pt")
    for number in range(1, 6):
        document.add_page()
        document.set_font("Helvetica", size=11)
        document.text(60, 60, f"Figure {number} du cours")
    text = read_pdf(bytes(document.output()), "x").text
    assert all(f"Figure {number} du cours" in text for number in range(1, 6))


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

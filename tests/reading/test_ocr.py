"""Scans made here by drawing printed pages: they read as the pages they were made from."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time

import pytest
from fpdf import FPDF
from PIL import Image

from assistant.reading import ocr, pdf
from assistant.reading.extracted import UnreadableNoteError
from assistant.reading.pdf import read_pdf

needs_tesseract = pytest.mark.skipif(
    bool(ocr.remedy()), reason="Tesseract with its French data is not installed"
)
PAGES = (
    (
        "L'énergie cinétique",
        (
            "L'énergie cinétique d'un corps dépend de sa masse et du carré",
            "de sa vitesse : à vitesse égale, un camion chargé en possède",
            "bien plus qu'une voiture légère, et il freine moins bien.",
        ),
    ),
    (
        "La tempête de l'été",
        (
            "Où naît une tempête ? Au-dessus des océans, lorsque l'air chaud",
            "et humide s'élève très vite. Le mot secret de cette leçon est",
            "marmotte, et la règle ne connaît aucune exception.",
        ),
    ),
)


def printed(pages=PAGES):
    document = FPDF(unit="pt")
    for title, lines in pages:
        document.add_page()
        document.set_font("Helvetica", size=22)
        document.text(60, 90, title)
        document.set_font("Helvetica", size=12)
        for row, line in enumerate(lines):
            document.text(60, 140 + 16 * row, line)
    return bytes(document.output())


def in_columns():
    left = (
        "La photosynthèse est le processus qui",
        "permet aux plantes de fabriquer leurs",
        "sucres à partir de la lumière et du gaz",
        "carbonique de l'air qui les entoure. Elle",
        "a lieu dans les chloroplastes des feuil-",
        "les vertes pendant toute la journée.",
    )
    right = (
        "La respiration est le processus inverse",
        "et consomme le dioxygène de l'air pour",
        "libérer toute l'énergie que les sucres",
        "contiennent. Elle a lieu le jour et la",
        "nuit dans les mitochondries de chaque",
        "cellule vivante de notre organisme.",
    )
    document = FPDF(unit="pt")
    document.add_page()
    document.set_font("Helvetica", size=10)
    for row, (one, other) in enumerate(zip(left, right, strict=True)):
        document.text(60, 120 + 13 * row, one)
        document.text(320, 120 + 13 * row, other)
    return bytes(document.output())


def pictures(data, degrees=0.0):
    """The pages as a scanner sees them, 200 dots an inch, laid down a little askew."""
    import pypdfium2

    document = pypdfium2.PdfDocument(data)
    for page in document:
        image = page.render(scale=200 / 72, grayscale=True).to_pil()
        yield image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=255)


def scanned(data, degrees=0.0, *, stamp="", before=None):
    """A PDF of pictures, each with a `stamp` in letters, after a page of the text `before`."""
    document = FPDF(unit="pt")
    document.set_font("Helvetica", size=12)
    if before:
        document.add_page()
        document.text(60, 140, before)
    for picture in pictures(data, degrees):
        document.add_page()
        document.image(picture, 0, 0, document.w, document.h)
        if stamp:
            document.text(60, 830, stamp)
    return bytes(document.output())


def page_of(extracted, quote):
    offset = extracted.text.index(quote)
    return [place.number for place in extracted.places if place.start <= offset][-1]


@needs_tesseract
@pytest.mark.parametrize("degrees", [0.0, 0.7])
def test_a_scan_reads_as_the_print_with_its_pages(degrees):
    extracted = read_pdf(scanned(printed(), degrees), "x.pdf")
    assert extracted.text == read_pdf(printed(), "x.pdf").text
    assert "# L'énergie cinétique\n" in extracted.text
    assert page_of(extracted, "carré de sa vitesse") == 1
    assert page_of(extracted, "Le mot secret de cette leçon est marmotte") == 2


@needs_tesseract
def test_columns_and_hyphens_of_a_scan():
    extracted = read_pdf(scanned(in_columns()), "x.pdf")
    assert extracted.text == read_pdf(in_columns(), "x.pdf").text
    assert (
        "chloroplastes des feuilles vertes pendant toute la journée.\n\nLa resp" in extracted.text
    )


@needs_tesseract
def test_scanned_pages_among_others_are_read_and_stamps_do_not_hide_them():
    data = scanned(printed(), stamp="Scanned by a scanner", before="Une page de lettres.")
    extracted = read_pdf(data, "x.pdf")
    assert page_of(extracted, "Une page de lettres.") == 1
    assert page_of(extracted, "carré de sa vitesse") == 2
    assert page_of(extracted, "marmotte") == 3


@needs_tesseract
def test_letters_over_a_picture_stay_as_they_are():
    document = FPDF(unit="pt")
    document.add_page()
    document.image(Image.new("L", (600, 800), 200), 0, 0, document.w, document.h)
    document.set_font("Helvetica", size=30)
    document.text(60, 200, "Ile et 0rage")  # what recognition might mend
    assert read_pdf(bytes(document.output()), "x.pdf").text == "Ile et 0rage\n"


@needs_tesseract
def test_a_picture_without_text_gives_no_words():
    noise = Image.frombytes("L", (400, 500), random.Random(3).randbytes(200_000))
    document = FPDF(unit="pt")
    document.add_page()
    document.image(noise, 0, 0, document.w, document.h)
    with pytest.raises(UnreadableNoteError, match="numérisé, sans texte : aucun mot"):
        read_pdf(bytes(document.output()), "x.pdf")


@needs_tesseract
def test_a_page_that_takes_too_long_is_left_out(monkeypatch):
    monkeypatch.setattr(ocr, "PAGE_SECONDS", 0.01)
    started = time.monotonic()
    with pytest.raises(UnreadableNoteError, match="aucun mot"):
        read_pdf(scanned(printed()), "x.pdf")
    assert time.monotonic() - started < 10


@needs_tesseract
def test_a_scan_that_takes_too_long_is_a_reason(monkeypatch):
    monkeypatch.setattr(pdf, "SCAN_SECONDS", 0.0)
    with pytest.raises(UnreadableNoteError, match="trop long à lire \\(2 pages"):
        read_pdf(scanned(printed()), "x.pdf")


@needs_tesseract
def test_pictures_too_large_are_left_out_and_drawings_of_pages_are_bounded(monkeypatch):
    seen = []

    def remember(image, dots_per_point):
        seen.append(image.size)
        return []

    monkeypatch.setattr(ocr, "recognised", remember)
    monkeypatch.setattr(pdf, "_LARGEST_RENDERING", 50_000)
    with pytest.raises(UnreadableNoteError):
        read_pdf(scanned(printed()), "x.pdf")
    assert len(seen) == 2 and all(40_000 < width * height < 51_000 for width, height in seen)
    monkeypatch.setattr(pdf, "_LARGEST_PICTURE", 1000)
    with pytest.raises(UnreadableNoteError):
        read_pdf(scanned(printed()), "x.pdf")
    assert len(seen) == 2


def test_without_the_library_the_reason_names_the_extra(monkeypatch):
    monkeypatch.setattr(ocr, "find_spec", lambda name: None)
    with pytest.raises(UnreadableNoteError) as caught:
        read_pdf(scanned(printed()), "x.pdf")
    assert str(caught.value) == (
        "numérisé, sans texte : lancez « pip install 'course-assistant[ocr]' » et installez "
        "Tesseract (« apt install tesseract-ocr tesseract-ocr-fra »)"
    )
    assert ocr.version() == ""


def test_without_the_library_the_other_pages_are_read(monkeypatch):
    monkeypatch.setattr(ocr, "find_spec", lambda name: None)
    data = scanned(printed(), before="Une page de lettres.")
    assert read_pdf(data, "x.pdf").text == "Une page de lettres.\n"


def test_without_the_program_the_reason_names_it(monkeypatch):
    pytest.importorskip("pytesseract")
    monkeypatch.setattr(ocr, "which", lambda name: None)
    with pytest.raises(UnreadableNoteError, match="installez le programme Tesseract"):
        read_pdf(scanned(printed()), "x.pdf")
    assert ocr.version() == ""


@pytest.mark.skipif(os.name == "nt", reason="a program written as a shell script")
@pytest.mark.parametrize(
    ("script", "remedy"),
    [
        ("echo eng; echo osd", "installez les données françaises de Tesseract"),
        ("exit 1", "réinstallez le programme Tesseract"),
    ],
)
def test_without_french_or_a_sound_program_the_reason_says_so(
    tmp_path, monkeypatch, script, remedy
):
    pytest.importorskip("pytesseract")
    program = tmp_path / "tesseract"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(ocr, "which", lambda name: str(program))
    with pytest.raises(UnreadableNoteError, match=remedy):
        read_pdf(scanned(printed()), "x.pdf")
    assert ocr.version() == ""


@needs_tesseract
def test_asking_what_can_be_read_imports_nothing_heavy():
    code = (
        "import sys; from assistant.reading import ocr; assert ocr.version();"
        "print([name for name in ('pytesseract', 'pandas', 'PIL') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@needs_tesseract
def test_what_can_be_read_is_part_of_the_version():
    assert ocr.version().startswith("+ocr:fra")

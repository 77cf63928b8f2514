"""Measure how whole courses are read, and whether citations lead to the right place.

    python benchmarks/measure_formats.py NOTES_FOLDER [--sample 200] [--embedder fake|real]

Each folder inside NOTES_FOLDER is a corpus, indexed in a process of its own so that its
peak memory can be told. Then spans are drawn with a fixed seed, as evenly over the
formats as they allow, and looked up in the source by tools that share nothing with the
readers: pdftotext for the cited page, zip and regular expressions for the slide or the
document, the cited lines of a text file. Only letters and digits are compared. At last,
heavy files are made in a temporary folder and indexed together. All figures are of one
run: they make the section "Formats" of `benchmarks/RESULTS.md`. Ends with 1 when a
citation is not found or an index run takes more memory than the bar.
"""

from __future__ import annotations

import argparse
import base64
import html
import json
import multiprocessing
import os
import platform
import random
import re
import resource
import subprocess
import sys
import tempfile
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from results_file import replace_section

SECTION = "## Formats"
SEED = 20261124
WINDOW = 512  # tokens of the fake, as the embedded model has
MOST_MEMORY = 1500  # MB, of the process of one index run


@dataclass(frozen=True, slots=True)
class Measured:
    """One corpus after its first index run."""

    name: str
    files: int  # that may be notes
    notes: int
    skipped: dict[str, int]  # files by reason
    passages: int
    seconds: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Citation:
    """A quotable span, with the place that the chat would show for it."""

    source: Path
    quote: str
    unit: str
    number: int  # of the page, slide, cell, sheet or chapter; 0 for lines
    last: int  # the same at the end of the quote
    lines: tuple[int, int]


def index_corpus(corpus: Path, index: Path, embedder: str) -> Measured:
    """Index one folder and tell what it took; run in a fresh process."""
    from assistant.assistant import Assistant
    from assistant.embedding.fake import FakeEmbedder
    from assistant.reading.corpus import scan_corpus
    from assistant.settings import Settings, limit_threads

    limit_threads()
    chosen = FakeEmbedder(max_tokens=WINDOW) if embedder == "fake" else None
    assistant = Assistant.open(Settings(corpus=corpus, index=index), embedder=chosen)
    files = len(scan_corpus(corpus))
    report = assistant.refresh()
    reasons = Counter(re.sub(r"\d+", "n", item.reason) for item in report.skipped)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measured(
        corpus.name, files, len(report.added), dict(reasons), report.chunks, report.seconds, peak
    )


def draw(indexes: dict[str, Path], count: int) -> dict[str, list[Citation]]:
    """Draw spans by format, one a passage, until `count` are found or none is left."""
    from assistant.index.store import Store
    from assistant.places import line_at, place_at

    generator = random.Random(SEED)
    stores = {name: Store.open(folder) for name, folder in indexes.items()}
    rows: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for name, store in stores.items():
        query = "SELECT c.id, n.path FROM chunks c JOIN notes n ON n.id = c.note ORDER BY c.id"
        for row, path in store.connection.execute(query):
            rows[Path(path).suffix.lower()].append((name, row))
    for waiting in rows.values():
        generator.shuffle(waiting)
    drawn: dict[str, list[Citation]] = {suffix: [] for suffix in sorted(rows)}
    while sum(map(len, drawn.values())) < count and any(rows.values()):
        suffix = min((s for s in drawn if rows[s]), key=lambda s: (len(drawn[s]), s))
        name, row = rows[suffix].pop()
        chunk = stores[name].chunks([row])[row].chunk
        spans = [s for s in chunk.spans if len(folded(chunk.text[s.start - chunk.start :])) > 3]
        if not spans:
            continue
        span = generator.choice(spans)
        note = stores[name].note(chunk.note_id)
        assert note is not None
        first, last = place_at(note, span.start), place_at(note, span.end - 1)
        unit = first.unit if first else "line"
        drawn[suffix].append(
            Citation(
                note.source,
                note.text[span.start : span.end],
                unit,
                first.number if first and unit != "line" else 0,
                last.number if last and unit != "line" else 0,
                (line_at(note, span.start), line_at(note, span.end - 1)),
            )
        )
    return drawn


def folded(text: str) -> str:
    """Letters and digits alone, without case, ligatures and accents' two spellings."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def look_up(citation: Citation) -> str:
    """Tell how the source holds the quote at the cited place: "exact", "words" or "" (not).

    A quote may be parted by what the reader leaves out (a running line, an address, a
    note number): then every word must still be there, as often as it is quoted. Marks that
    the reader writes itself (fences with their language, addresses of links) do not count.
    """
    shown = SHOWN.get(citation.source.suffix.lower(), lines_of)(citation)
    quote = re.sub(r"(?m)^[ \t>]*(?:`{3,}|~{3,}).*$", "", citation.quote)
    quote = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", quote)
    if folded(quote) in folded(shown) or folded(citation.quote) in folded(shown):
        return "exact"
    there = Counter(map(folded, re.findall(r"\w+", shown)))
    asked = Counter(map(folded, re.findall(r"\w+", re.sub(r"\\(?:frac|sqrt)", " ", quote))))
    missing = [word for word, times in asked.items() if word and there[word] < times]
    is_there = all(len(word) > 4 and word in folded(shown) for word in missing)
    return "words" if is_there else ""


def lines_of(citation: Citation) -> str:
    """The cited lines of a text file, HTML entities and tags taken away."""
    data = citation.source.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    first, last = citation.lines
    text = re.sub(r"\r\n?", "\n", text)
    return "\n".join(text.split("\n")[first - 1 : last])


def page_of(citation: Citation) -> str:
    """The cited page, or pages, as poppler reads them, in its two orders."""
    command = ["pdftotext", "-q", "-f", str(citation.number), "-l", str(citation.last)]
    shown = []
    for order in ([], ["-raw"]):
        run = subprocess.run(
            [*command, *order, str(citation.source), "-"], capture_output=True, check=True
        )
        text = run.stdout.decode("utf-8", "replace")
        shown.append(re.sub(r"(?<=\w)-\n(?=\w)", "", text))
    return "\n".join(shown)


def web_page_of(citation: Citation) -> str:
    """The slides of that number of a Marp or reveal.js deck, or the lines of a page."""
    if citation.unit == "line":
        text = lines_of(citation)
    else:
        source = citation.source.read_text("utf-8")
        parts = re.split(r"(?=<section\b)", source)
        mark = f'data-marpit-pagination="{citation.number}"'
        marp = [part for part in parts if mark in part[: part.find(">")]]
        leaves = [p for p in parts[1:] if "</section>" in p]
        text = " ".join(marp) if "data-marpit-pagination" in source else leaves[citation.number - 1]
    alternatives = " ".join(re.findall(r"\balt=\"([^\"]*)\"", text))
    return html.unescape(re.sub(r"<[^>]*>", "", text) + " " + alternatives)


def words_in(content: str) -> str:
    """Text and descriptions of Office or OpenDocument XML."""
    described = " ".join(re.findall(r'\bdescr="([^"]*)"', content))
    content = re.sub(
        r"</(?:a:p|w:p|text:p|text:h)>|<(?:a:br|w:br|w:tab|text:s)\b[^>]*>", " ", content
    )
    return html.unescape(re.sub(r"<[^>]*>", "", content) + " " + described)


def slide_of(citation: Citation) -> str:
    """The slide of that number with its notes and diagrams, by the relations of the file."""
    with ZipFile(citation.source) as archive:
        order = archive.read("ppt/presentation.xml").decode()
        ids = re.findall(r"<p:sldId [^>]*r:id=\"([^\"]+)\"", order)
        name = relations(archive, "ppt/presentation.xml")[ids[citation.number - 1]]
        parts = [name, *(p for p in relations(archive, name).values() if "slideLayout" not in p)]
        names = archive.namelist()
        return " ".join(
            words_in(archive.read(part).decode()) for part in parts
            if part in names and part.endswith(".xml")
        )  # fmt: skip


def relations(archive: ZipFile, part: str) -> dict[str, str]:
    """Target by id of what a part of an Office file refers to."""
    folder, _, name = part.rpartition("/")
    content = archive.read(f"{folder}/_rels/{name}.rels").decode()
    found = {}
    for entry in re.findall(r"<Relationship [^>]*>", content):
        fields = dict(re.findall(r'(\w+)="([^"]*)"', entry))
        found[fields["Id"]] = os.path.normpath(f"{folder}/{fields['Target']}")
    return found


def document_of(citation: Citation) -> str:
    """All the text of a DOCX, ODT, ODP, XLSX or EPUB, which cite no page or are small."""
    with ZipFile(citation.source) as archive:
        names = [n for n in archive.namelist() if n.endswith((".xml", ".xhtml", ".html"))]
        return " ".join(words_in(archive.read(name).decode("utf-8", "replace")) for name in names)


def cell_of(citation: Citation) -> str:
    """The cell of that number of a notebook."""
    cell = json.loads(citation.source.read_text("utf-8-sig"))["cells"][citation.number - 1]
    return "".join(cell["source"])


SHOWN: dict[str, Callable[[Citation], str]] = {
    ".pdf": page_of,
    ".pptx": slide_of,
    ".html": web_page_of,
    ".htm": web_page_of,
    ".ipynb": cell_of,
    **dict.fromkeys((".docx", ".odt", ".odp", ".xlsx", ".epub"), document_of),
}


def prose(length: int) -> str:
    """French sentences that all differ, about `length` characters of them."""
    words = "le noyau du système isole chaque conteneur par ses espaces de noms et limite".split()
    generator = random.Random(SEED)
    parts: list[str] = []
    while length > 0:
        chosen = " ".join(generator.choices(words, k=14))
        parts.append(f"{chosen.capitalize()} {len(parts)}.")
        length -= len(parts[-1]) + 1
    return " ".join(parts)


def sections(length: int, heading: str = "\n\n## Partie {}\n\n") -> str:
    """The same prose under a heading every 2,000 characters."""
    text = prose(length)
    return "".join(
        heading.format(number) + text[start : start + 2000]
        for number, start in enumerate(range(0, len(text), 2000), 1)
    )


def zip_bomb(path: Path, members: dict[str, str], member: str) -> None:
    """Write an archive with one member of 1 GB of spaces, a thousandth of it when packed."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        with archive.open(member, "w", force_zip64=True) as target:
            for _ in range(1000):
                target.write(b" " * 1_000_000)


def make_heavy_files(folder: Path) -> None:
    """Write one file of every kind that could take too much memory or time."""
    import openpyxl
    from fpdf import FPDF
    from pptx import Presentation

    generator = random.Random(SEED)
    blob = base64.b64encode(generator.randbytes(424_000)).decode()
    page = "<html><body>" + sections(6_000_000, "<h2>Partie {}</h2>") + "</body></html>"
    lines = "\n".join(f"{i};mesure {i % 97};{i * 7 % 1000};{i * 3}" for i in range(200_000))
    cells = [
        {
            "cell_type": "code",
            "source": f"print({number})  # mesure {number}",
            "outputs": [{"output_type": "stream", "text": "0 " * 20_000}],
            "metadata": {},
        }
        for number in range(500)
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    for name, content in {
        "100-mb.md": prose(1_000_000) * 100,
        "10-mb.md": sections(10_000_000),
        "one-line.md": prose(5_000_000),
        "one-word.md": "a" * 10_000_000,
        "base64.md": f"Avant la figure.\n\n![figure](data:image/png;base64,{blob})\n\nAprès.\n",
        "minified.md": "Avant.\n\n" + "function n(e){const t=e.a;return t};" * 150_000 + "\n",
        "large.rst": sections(2_000_000, "\n\nPartie {}\n============\n\n"),
        "large.tex": sections(1_500_000, "\n\n\\section{{Partie {}}}\n\n"),
        "large.html": page,
        "nested.html": "<div>" * 200_000 + "mot",
        "large.csv": "numéro;nom;valeur;somme\n" + lines,
        "large.ipynb": json.dumps(notebook),
    }.items():
        (folder / name).write_text(content, encoding="utf-8")
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet("Mesures")
    sheet.append(["numéro", "nom", "valeur", "somme"])
    for index in range(100_000):
        sheet.append([index, f"mesure {index % 97}", index * 7 % 1000, index * 3])
    workbook.save(folder / "large.xlsx")
    text = prose(2_400_000).encode("ascii", "ignore").decode()
    document = FPDF()
    document.set_font("helvetica", size=11)
    for start in range(0, len(text), 2000):
        document.add_page()
        for row in range(25):
            left = start + row * 80
            document.text(15, 20 + row * 10, text[left : left + 80])
    document.output(str(folder / "1200-pages.pdf"))
    presentation = Presentation()
    for number in range(1, 1001):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = f"Diapo {number}"
        slide.placeholders[1].text_frame.text = text[number * 300 : number * 300 + 300]
    presentation.save(str(folder / "1000-slides.pptx"))
    zip_bomb(folder / "bomb.docx", {"[Content_Types].xml": "<Types/>"}, "word/document.xml")
    zip_bomb(folder / "bomb.epub", {"mimetype": "application/epub+zip"}, "META-INF/container.xml")


@dataclass(frozen=True, slots=True)
class Heavy:
    """What became of one heavy file."""

    name: str
    megabytes: float
    outcome: str  # passages, or why it is skipped


def measure_heavy(place: Path, embedder: str) -> tuple[Measured, list[Heavy]]:
    """Make the heavy files and index them together."""
    from assistant.index.store import Store

    folder = place / "heavy"
    folder.mkdir()
    with fresh_process() as process:
        process.submit(make_heavy_files, folder).result()
    index = place / "heavy-index"
    with fresh_process() as process:
        measured = process.submit(index_corpus, folder, index, embedder).result()
    store = Store.open(index)
    query = (
        "SELECT n.path, count(c.id) FROM notes n LEFT JOIN chunks c ON c.note = n.id GROUP BY n.id"
    )
    outcomes = {path: f"{count} passages" for path, count in store.connection.execute(query)}
    outcomes |= {item.note_id: f"skipped: {item.reason}" for item in store.skipped()}
    return measured, [
        Heavy(path.name, path.stat().st_size / 1e6, outcomes[path.name])
        for path in sorted(folder.iterdir())
    ]


def fresh_process() -> ProcessPoolExecutor:
    """A process that has loaded nothing, so that its peak memory is that of its one job."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def section(
    given: argparse.Namespace,
    measured: list[Measured],
    found: dict[str, list[str]],
    heavy: tuple[Measured, list[Heavy]],
) -> list[str]:
    """The lines of the section of RESULTS.md."""
    how = "the fake embedder, so the time is that of reading, chunking and storing"
    if given.embedder == "real":
        how = "the embedded model"
    lines = [
        f"`python benchmarks/measure_formats.py NOTES --sample {given.sample} --embedder "
        f"{given.embedder}`, {date.today().isoformat()}, {os.cpu_count()} cores "
        f"({platform.machine()}), Python {platform.python_version()}, with {how}. "
        "Peak memory is that of the whole process.",
        "",
        "| corpus | files | indexed | skipped, by reason | passages | seconds | peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in measured:
        reasons = "; ".join(f"{times} × {why}" for why, times in sorted(one.skipped.items()))
        lines.append(
            f"| {one.name} | {one.files} | {one.notes} | {reasons or '–'} | {one.passages} | "
            f"{one.seconds:.1f} | {one.peak_mb:.0f} |"
        )
    hows = [how for of_format in found.values() for how in of_format]
    by_format = ", ".join(
        f"{suffix} {sum(map(bool, of_format))}/{len(of_format)}"
        for suffix, of_format in found.items()
    )
    lines += [
        "",
        f"Citations looked up in the source by an independent tool: {sum(map(bool, hows))} of "
        f"{len(hows)} found at the cited page, slide, cell or lines ({by_format}), "
        f"{hows.count('exact')} of them letter for letter, the others by all their words.",
        "",
    ]
    whole, files = heavy
    lines += [
        "Heavy files, made by the script and indexed together in one run: "
        f"{whole.passages} passages in {whole.seconds:.0f} s, peak memory {whole.peak_mb:.0f} MB "
        f"(bar: {MOST_MEMORY} MB).",
        "",
        "| heavy file | MB | outcome |",
        "|---|---|---|",
        *(f"| {file.name} | {file.megabytes:.1f} | {file.outcome} |" for file in files),
    ]
    return lines


def main() -> int:
    """Measure, look up, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("notes", type=Path)
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--embedder", choices=("fake", "real"), default="fake")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        indexes: dict[str, Path] = {}
        measured = []
        for corpus in sorted(path for path in given.notes.resolve().iterdir() if path.is_dir()):
            indexes[corpus.name] = Path(place) / corpus.name
            with fresh_process() as process:
                job = process.submit(index_corpus, corpus, indexes[corpus.name], given.embedder)
                measured.append(job.result())
            print(measured[-1], file=sys.stderr)
        drawn = draw(indexes, given.sample)
        heavy = measure_heavy(Path(place), given.embedder)
    found = {}
    for suffix, citations in drawn.items():
        found[suffix] = [look_up(citation) for citation in citations]
        for citation, how in zip(citations, found[suffix], strict=True):
            if not how:
                print(f"not found: {citation}", file=sys.stderr)
    lines = section(given, measured, found, heavy)
    replace_section(SECTION, lines)
    print("\n".join(lines))
    is_too_large = max(one.peak_mb for one in (*measured, heavy[0])) > MOST_MEMORY
    return int(is_too_large or any("" in hows for hows in found.values()))


if __name__ == "__main__":
    sys.exit(main())

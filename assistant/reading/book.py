"""EPUB: the chapters in the order of the spine, each read as the HTML that it is.

The container and the package are read with lxml: the format is a ZIP of XHTML with one
list of files, and the library for it (EbookLib) is under the AGPL. Left out: the table of
contents, covers, styles and pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import dirname, join, normpath
from typing import Any
from urllib.parse import unquote
from zipfile import ZipFile

from assistant.reading.archive import open_archive, parse_xml
from assistant.reading.assembling import assemble
from assistant.reading.damage import reading
from assistant.reading.extracted import Extracted, UnreadableNoteError
from assistant.reading.properties import sensible_date, sensible_title
from assistant.reading.web_page import read_html

CHAPTERS = 5000


def read_epub(data: bytes, name: str) -> Extracted:
    """Read an EPUB without DRM; a place is a chapter. Raise UnreadableNoteError."""
    with reading("EPUB"):
        archive = open_archive(data, "EPUB", "META-INF/container.xml")
        if _has_locked_chapters(archive):
            raise UnreadableNoteError("protégé contre la copie (DRM) : il ne peut pas être lu")
        container = parse_xml(archive.read("META-INF/container.xml"))
        package_name = next(str(file.get("full-path")) for file in container.iter("{*}rootfile"))
        package = parse_xml(archive.read(package_name))
        text, places = assemble(_chapters(archive, package, package_name), "chapter")
        title, author, date = (package.findtext(".//{*}" + key) for key in _PROPERTIES)
    if not text:
        raise UnreadableNoteError("ne contient aucun texte")
    return Extracted(
        text=text,
        title=sensible_title(title, name),
        author=" ".join((author or "").split()) or None,
        date=sensible_date(date),
        places=places,
    )


_PROPERTIES = ("title", "creator", "date")


def _has_locked_chapters(archive: ZipFile) -> bool:
    """Whether text is encrypted; fonts alone may be, which hides nothing from a reader."""
    if "META-INF/encryption.xml" not in archive.namelist():
        return False
    listed = parse_xml(archive.read("META-INF/encryption.xml")).iter("{*}CipherReference")
    targets = (unquote(reference.get("URI") or "").lower() for reference in listed)
    return any(target.endswith((".xhtml", ".html", ".htm", ".xml")) for target in targets)


def _chapters(archive: ZipFile, package: Any, package_name: str) -> Iterator[tuple[int, str]]:
    """Yield number and Markdown of the chapters; one without text has none."""
    files = {item.get("id"): item.get("href", "") for item in package.iter("{*}item")}
    known = set(archive.namelist())
    for number, reference in enumerate(package.iter("{*}itemref"), 1):
        if number > CHAPTERS:
            raise UnreadableNoteError(f"trop long (plus de {CHAPTERS} chapitres) : découpez-le")
        href = unquote(files.get(reference.get("idref"), "").split("#")[0])
        member = normpath(join(dirname(package_name), href))
        if member not in known:
            continue
        try:
            chapter = read_html(archive.read(member), member)
        except UnreadableNoteError:  # a cover or a picture alone
            continue
        yield number, chapter.text[chapter.body_start :]

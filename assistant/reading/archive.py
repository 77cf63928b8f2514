"""ZIP containers (DOCX, PPTX, XLSX, ODT, ODP, EPUB): checked whole before any parsing.

A small archive can hold terabytes of zeros, or a million empty entries. All sizes are
those the directory announces; `zipfile` never gives more than announced. XML is parsed
without external files and without expanding entities; libxml2 bounds depth and size.
"""

from __future__ import annotations

import io
from collections.abc import Collection
from typing import TYPE_CHECKING
from zipfile import BadZipFile, LargeZipFile, ZipFile

from assistant.reading.extracted import UnreadableNoteError

if TYPE_CHECKING:
    from lxml.etree import _Element

ENTRIES = 10_000
TOTAL_BYTES = 512 * 2**20  # of all entries, uncompressed; films in slides are common
XML_BYTES = 48 * 2**20  # of one entry that is parsed; its tree takes ten times as much
RATIO = 250  # uncompressed to compressed, of an entry larger than a mebibyte
_PARSED = (".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx", ".vml")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def open_archive(data: bytes, kind: str, needed: str) -> ZipFile:
    """Open a container that must hold the entry `needed`; `kind` names the format.

    Raise UnreadableNoteError for what is locked, of another format, damaged or a bomb.
    """
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise UnreadableNoteError(
                "protégé par un mot de passe : enregistrez-en une copie sans mot de passe"
            )
        raise UnreadableNoteError(
            f"est d'un ancien format de Microsoft Office : enregistrez-le au format {kind}"
        )
    if not data.startswith(b"PK"):
        raise UnreadableNoteError(
            f"n'est pas un fichier {kind} malgré son nom : vérifiez le fichier et son suffixe"
        )
    try:
        archive = ZipFile(io.BytesIO(data))
    except (BadZipFile, LargeZipFile, ValueError, OSError, NotImplementedError) as error:
        raise UnreadableNoteError(
            f"abîmé ou incomplet ({kind}) : ouvrez-le dans son logiciel et enregistrez-le à nouveau"
        ) from error
    _check_sizes(archive, kind)
    if needed not in archive.namelist():
        raise UnreadableNoteError(
            f"n'est pas un fichier {kind} malgré son nom : vérifiez le fichier et son suffixe"
        )
    if archive.getinfo(needed).flag_bits & 1:
        raise UnreadableNoteError(
            "protégé par un mot de passe : enregistrez-en une copie sans mot de passe"
        )
    return archive


def _check_sizes(archive: ZipFile, kind: str) -> None:
    entries = archive.infolist()
    if len(entries) > ENTRIES:
        raise UnreadableNoteError(f"contient trop de fichiers ({len(entries)}) pour un {kind}")
    if sum(entry.file_size for entry in entries) > TOTAL_BYTES:
        raise UnreadableNoteError(
            f"trop grand une fois décompressé (plus de {TOTAL_BYTES // 2**20} Mo) : "
            "allégez ses images et ses films"
        )
    for entry in entries:
        if entry.file_size > 2**20 and entry.file_size > RATIO * entry.compress_size:
            raise UnreadableNoteError(
                f"compressé plus de {RATIO} fois, comme une bombe de décompression : "
                f"enregistrez-le à nouveau depuis son logiciel ({kind})"
            )
        if entry.filename.lower().endswith(_PARSED) and entry.file_size > XML_BYTES:
            raise UnreadableNoteError(
                f"contient plus de {XML_BYTES // 2**20} Mo de texte ({kind}) : découpez-le"
            )


def parse_xml(content: bytes) -> _Element:
    """Parse XML of an untrusted file: no entities, no network, no DTD; damage is mended."""
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True
    )
    root = etree.fromstring(content, parser)
    if root is None:
        raise ValueError("no XML element")
    return root


def texts_of(element: _Element, names: Collection[str]) -> list[str]:
    """Return the texts of the descendants with one of the local names, in order."""
    from lxml import etree

    return [
        child.text
        for child in element.iter()
        if isinstance(child.tag, str) and etree.QName(child).localname in names and child.text
    ]

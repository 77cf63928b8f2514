"""The folder of notes: which files it holds, and how each is read.

A file's signature (size, times, inode) tells cheaply that it has not changed since it
was last hashed; what an index believes is decided by content hash alone. Links to files
are followed only inside the corpus, links to folders never, so that no loop can occur.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from assistant.datatypes import Note, Skipped
from assistant.errors import CorpusError, system_reason
from assistant.reading.extracted import Extracted, UnreadableNoteError
from assistant.reading.ignore import IgnoreRules, is_tool_folder
from assistant.reading.note import make_note

# Module and function of each reader: imported when a file of its suffix is read.
READERS = {
    ".md": "markdown:read_markdown",
    ".markdown": "markdown:read_markdown",
    ".mkd": "markdown:read_markdown",
    ".mdx": "markdown:read_markdown",
    ".qmd": "markdown:read_markdown",
    ".rmd": "markdown:read_markdown",
    ".txt": "markdown:read_markdown",
    ".rst": "restructured_text:read_restructured_text",
    ".html": "web_page:read_html",
    ".htm": "web_page:read_html",
    ".tex": "latex:read_latex",
    ".pdf": "pdf:read_pdf",
    ".docx": "word:read_docx",
    ".odt": "open_document:read_odt",
    ".odp": "open_document:read_odp",
    ".pptx": "slides:read_pptx",
    ".ipynb": "notebook:read_notebook",
    ".epub": "book:read_epub",
    ".csv": "spreadsheet:read_csv",
    ".tsv": "spreadsheet:read_csv",
    ".xlsx": "spreadsheet:read_xlsx",
}
# Documents that no reader opens, told as skipped instead of passed over, and what to save them as.
SAVED_AS = {
    **dict.fromkeys((".doc", ".docm", ".rtf", ".pages", ".wps"), ".docx"),
    **dict.fromkeys((".ppt", ".pps", ".ppsx", ".pptm"), ".pptx"),
    **dict.fromkeys((".xls", ".xlsm", ".xlsb", ".ods", ".numbers"), ".xlsx"),
    **dict.fromkeys((".mobi", ".azw3"), ".epub"),
    **dict.fromkeys((".adoc", ".asciidoc", ".org"), ".md"),
    ".djvu": ".pdf",
}
LARGEST_FILE = 200_000_000  # bytes: a larger one is never brought into memory
_RACY_NS = 2_000_000_000  # a file younger than this when looked at may change unseen


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A file that may be a note, as the folder lists it."""

    id: str
    path: Path
    signature: str  # empty when the file is too fresh for its times to be trusted


def scan_corpus(corpus: Path) -> list[CorpusFile]:
    """List the notes of a folder by id; raise CorpusError when it cannot be read.

    A folder inside that cannot be listed is an entry itself, which cannot be read either.
    """
    if corpus.is_file():
        raise CorpusError(
            f"« {corpus} » est un fichier : indiquez le dossier des notes avec --corpus."
        )
    if not corpus.is_dir():
        raise CorpusError(
            f"Le dossier de notes « {corpus} » n'existe pas : créez-le et mettez-y vos notes "
            "(.md, .txt), ou indiquez-en un autre avec --corpus."
        )
    try:
        os.scandir(corpus).close()
    except OSError as error:
        raise CorpusError(
            f"Le dossier de notes « {corpus} » est illisible ({system_reason(error)}) : "
            "vérifiez ses droits, ou indiquez-en un autre avec --corpus."
        ) from error
    return sorted(_files(corpus), key=lambda file: file.id)


def _files(corpus: Path) -> Iterator[CorpusFile]:
    """Walk the folder with names as strings: it is done before a question, maybe each."""
    now = time.time_ns()
    root = corpus.resolve()
    waiting = [(str(corpus), "", IgnoreRules())]
    while waiting:
        folder, prefix, outer = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                files, folders = _parted(entries)
        except OSError:
            if os.path.exists(folder):  # not merely removed since it was listed
                yield CorpusFile(prefix[:-1] or ".", Path(folder), "")
            continue
        place = Path(folder)
        rules = outer.within(place, prefix, [entry.name for entry in files])
        waiting += [
            (entry.path, f"{prefix}{_in_unicode(entry.name)}/", rules)
            for entry in folders
            if not entry.is_symlink()
            and not is_tool_folder(entry.name)
            and not rules.ignores(f"{prefix}{entry.name}/")
        ]
        for entry in files:
            name = entry.name
            suffix = os.path.splitext(name)[1].lower()
            if name.startswith((".", "~$")) or not (suffix in READERS or suffix in SAVED_AS):
                continue
            if rules.ignores(prefix + name):
                continue
            path = place / name
            try:
                if entry.is_symlink() and not path.resolve().is_relative_to(root):
                    continue
                status = os.stat(entry.path)
            except (OSError, RuntimeError):  # a dangling link, a loop, or removed meanwhile
                continue
            if not stat.S_ISREG(status.st_mode):  # reading a pipe would wait for ever
                continue
            newest = max(status.st_mtime_ns, status.st_ctime_ns)
            signature = (
                f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"
                if now - newest > _RACY_NS
                else ""
            )
            yield CorpusFile(prefix + _in_unicode(name), path, signature)


def _parted(
    entries: Iterable[os.DirEntry[str]],
) -> tuple[list[os.DirEntry[str]], list[os.DirEntry[str]]]:
    """Return files and folders, a link being what it leads to."""
    files: list[os.DirEntry[str]] = []
    folders: list[os.DirEntry[str]] = []
    for entry in entries:
        try:
            is_folder = entry.is_dir()
        except OSError:
            is_folder = False
        (folders if is_folder else files).append(entry)
    return files, folders


def _in_unicode(name: str) -> str:
    """Return a name as ids hold it: what is no Unicode in it shows as a question mark."""
    return name.encode("utf-8", "replace").decode("utf-8")


def read_note(file: CorpusFile, expected_language: str = "fr") -> Note | Skipped:
    """Read one file: its note, or the reason why it is none. Never raises for a bad file."""
    try:
        if file.path.stat().st_size > LARGEST_FILE:
            return Skipped(file.id, too_large())
        data = file.path.read_bytes()
    except OSError as error:
        return Skipped(file.id, f"illisible : {system_reason(error)}")
    return read_bytes(file, data, expected_language)


def too_large() -> str:
    """Return why a file over LARGEST_FILE is skipped."""
    return f"dépasse {LARGEST_FILE // 1_000_000} Mo : découpez-le en plusieurs fichiers"


def read_bytes(file: CorpusFile, data: bytes, expected_language: str = "fr") -> Note | Skipped:
    """Read a file's content; the same as `read_note` once the bytes are there."""
    if not _is_unicode(str(file.path)):
        return Skipped(file.id, "son nom n'est pas en Unicode : renommez-le")
    if better := SAVED_AS.get(suffix := file.path.suffix.lower()):
        return Skipped(file.id, f"le format {suffix} n'est pas lu : enregistrez-le en {better}")
    try:
        extracted = _reader(suffix)(data, file.path.name)
        return make_note(file.id, data, file.path, extracted, expected_language)
    except UnreadableNoteError as error:
        return Skipped(file.id, str(error))
    except ImportError as error:
        library = (error.name or "").partition(".")[0]
        if library in ("", "assistant"):  # a mistake of ours, not a library that is missing
            raise
        return Skipped(
            file.id,
            f"demande la bibliothèque « {library} » : "
            "installez-la avec « pip install course-assistant »",
            missing_library=library,
        )
    except RecursionError:
        return Skipped(file.id, "ses éléments sont imbriqués trop profondément : simplifiez-le")
    except Exception as error:  # a parser's own mistake must not end the run
        return Skipped(file.id, f"abîmé ou incomplet ({type(error).__name__}) : réenregistrez-le")


def _is_unicode(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _reader(suffix: str) -> Callable[[bytes, str], Extracted]:
    module, function = READERS[suffix].split(":")
    reader: Callable[[bytes, str], Extracted] = getattr(
        import_module(f"assistant.reading.{module}"), function
    )
    return reader

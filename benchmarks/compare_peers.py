"""Measures this assistant beside what one would pick instead, all in one run.

    python benchmarks/compare_peers.py DATA [--quick] [--only NAME …] [--questions 1000]

DATA holds BEIR collections: python_faq_fr and piaf_v11, unless `--collections` names
others, or is one itself. Every script in `benchmarks/peers/` is a peer, installed in an
environment of its own (`peer_environment.py`); all are given the same notes, the same
weights and as many threads, and none may use the network. Speed, memory and disk are
those of the last collection, nDCG@10 is of each. Writes the section "Peers" of
`benchmarks/RESULTS.md` and `benchmarks/plots/peers.png`. A peer that fails is reported
with its reason.

`--quick` takes 200 documents and 40 questions of the last collection. The parts of a
full run that take long are indexing with torch and installing; `--only` and
`--collections` shorten both. Run it on a quiet machine: torch waits for its threads in a
loop, and takes forty times as long for a question where another process has a core.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from peer_environment import PeerFailedError, environment_for
from peer_process import Installed, Running, run_once
from peer_report import OURS, Measured, write_report

from assistant.evaluation.collection import Collection, Document, Query, load_beir
from assistant.evaluation.metrics import ndcg

PEERS = Path(__file__).with_name("peers")
COLLECTIONS = ("python_faq_fr", "piaf_v11")
QUESTIONS = 1_000  # the first of each collection
QUIET = 0.5  # load of a machine that does nothing else
PASSAGES = 30  # asked of every peer; notes are ranked by their best passage
WARM_UP = 10  # questions before the clock counts
LIMIT = 1_200  # seconds, for one process
FACT = "Le code de la salle Zéphyrin est 48213."
FACT_QUESTION = "Quel est le code de la salle Zéphyrin ?"


@dataclass(frozen=True, slots=True)
class Course:
    """A collection as a folder of notes."""

    name: str
    notes: Path
    ids: dict[str, str]  # of documents, by note
    queries: Sequence[Query]


def write_notes(name: str, collection: Collection, folder: Path) -> Course:
    """Write one Markdown note a document: its title as a heading, then its text."""
    folder.mkdir(parents=True)
    ids = {}
    for number, document in enumerate(collection.documents):
        note = f"{number:06}.md"
        ids[note] = document.id
        title = " ".join((document.title or document.id).split())
        (folder / note).write_text(f"# {title}\n\n{document.text}\n", encoding="utf-8")
    return Course(name, folder, ids, collection.queries)


def first_part(collection: Collection, questions: int, documents: int | None) -> Collection:
    """Keep the first answerable questions and, where asked for, few documents with theirs."""
    queries = tuple(query for query in collection.queries if query.relevant)[:questions]
    kept: Sequence[Document] = collection.documents
    if documents is not None:
        wanted = {document for query in queries for document in query.relevant}
        others = [d.id for d in collection.documents if d.id not in wanted]
        wanted.update(others[: max(0, documents - len(wanted))])
        kept = [document for document in kept if document.id in wanted]
    return Collection(queries, tuple(kept))


def measure(script: Path, courses: Sequence[Course], model: Path, given: Options) -> Measured:
    """Measure one peer on every course; a failure ends it and is kept."""
    measured = Measured(script.stem, describe(script))
    try:
        python, measured.versions = environment_for(script)
        peer = Installed(python, script, given.threads)
        for course in courses:
            with tempfile.TemporaryDirectory() as index:
                measure_course(measured, peer, course, Path(index), model, given)
    except PeerFailedError as error:
        measured.failure = str(error)
    return measured


def measure_course(
    measured: Measured,
    peer: Installed,
    course: Course,
    index: Path,
    model: Path,
    given: Options,
) -> None:
    """Index, ask cold, ask warm, refresh; a later course replaces all figures but nDCG."""
    folders = ["--notes", str(course.notes), "--index", str(index), "--model", str(model)]
    built = run_once(peer, ["index", *folders], limit=LIMIT)
    measured.index_seconds, measured.index_megabytes = built.seconds, built.megabytes
    measured.passages = built.reply["passages"]
    measured.bytes = sum(file.stat().st_size for file in index.rglob("*") if file.is_file())
    folders += ["--count", str(PASSAGES)]
    if course is given.timed:
        asked = ["--question", course.queries[0].text]
        cold = [run_once(peer, ["search", *folders, *asked], limit=LIMIT).seconds
                for _ in range(given.cold_runs)]  # fmt: skip
        measured.cold_seconds = statistics.median(cold)
    with Running(peer, ["serve", *folders], limit=LIMIT) as serving:
        serving.read()
        for query in course.queries[:WARM_UP]:
            serving.ask(question=query.text)
        spent, quality = [], []
        for query in course.queries:
            reply, seconds = serving.ask(question=query.text)
            ranking = [course.ids[note] for note in reply["notes"]]
            spent.append(1000 * seconds)
            quality.append(ndcg(ranking, query.relevant, 10))
        measured.ndcg[course.name] = quality
        measured.p50_ms, measured.p95_ms = (float(np.percentile(spent, p)) for p in (50, 95))
        measured.refresh_seconds = refresh(serving, course.notes)
        _, measured.serve_megabytes = serving.end()


def refresh(serving: Running, notes: Path) -> float:
    """Edit the shortest note; return the seconds until the peer has taken the change in.

    Raises PeerFailedError when what was written cannot be found afterwards.
    """
    note = min(sorted(notes.iterdir()), key=lambda path: path.stat().st_size)
    before = note.read_bytes()
    try:
        note.write_bytes(before + f"\n{FACT}\n".encode())
        _, seconds = serving.ask(refresh=note.name)
        reply, _ = serving.ask(question=FACT_QUESTION)
    finally:
        note.write_bytes(before)
    if note.name not in reply["notes"][:10]:
        raise PeerFailedError("an edited note is not found after its refresh")
    return seconds


def describe(script: Path) -> str:
    """The docstring of a peer's script, which says what it does."""
    return " ".join(script.read_text(encoding="utf-8").split('"""')[1].split())


def prepare_model() -> Path:
    """Convert the embedded model, once a machine: for this assistant, and for its peers."""
    from assistant.embedding.conversion import converted_folder
    from assistant.embedding.onnx_conversion import converted_onnx_folder

    converted_onnx_folder()
    return converted_folder()


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured."""

    threads: int
    cold_runs: int
    timed: Course  # the collection that speed is measured on


def command(given: argparse.Namespace) -> str:
    """The command as another would type it."""
    words = ["python benchmarks/compare_peers.py DATA"]
    if given.quick:
        words.append("--quick")
    if given.only:
        words += ["--only", *given.only]
    if given.questions != QUESTIONS and not given.quick:
        words.append(f"--questions {given.questions}")
    if given.documents and not given.quick:
        words.append(f"--documents {given.documents}")
    return " ".join(words)


def scope(courses: Sequence[Course], load: float) -> str:
    """Say what the figures are of. `load` is that of the machine before the run."""
    *_, timed = courses
    sizes = ", ".join(f"{c.name} ({len(c.ids)} notes, {len(c.queries)} questions)" for c in courses)
    return (
        f"{sizes}; all but nDCG@10 is of {timed.name}. Every peer has the same notes and the same "
        f"weights (in 32 bits with torch; this assistant runs them in 8 bits) and is asked for "
        f"{PASSAGES} passages. Index and cold count the whole process, imports and model too, "
        "with files in the system's cache; warm is one question at a time; refresh is one "
        "edited note taken in by a process that runs, written to disk and found again; memory "
        "is the peak of the process; nDCG@10 has its 95 % bootstrap interval in brackets, and "
        f"is compared question by question. Load of the machine before: {load:.1f}."
    )


def main() -> None:
    """Measure every peer, write the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("data", type=Path, help="folder of BEIR collections")
    parser.add_argument("--collections", nargs="+", default=COLLECTIONS)
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="of each collection")
    parser.add_argument("--documents", type=int, help="of each collection [all]")
    parser.add_argument("--only", nargs="+", metavar="PEER", help="this assistant and these")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--quick", action="store_true", help="a few minutes, rough figures")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    if load > QUIET:
        print(f"load {load:.1f}: other processes make these figures worse", file=sys.stderr)
    if given.quick:
        given.questions, given.documents = min(given.questions, 40), given.documents or 200
        given.collections = given.collections[-1:]
    is_collection = (given.data / "corpus.jsonl").exists()
    folders = [given.data] if is_collection else [given.data / n for n in given.collections]
    scripts = sorted(path for path in PEERS.glob("*.py") if path.stem != "protocol")
    if given.only:
        scripts = [path for path in scripts if path.stem in (OURS, *given.only)]
    # In a process of its own: what a peer is charged for begins with this one's memory.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        model = process.submit(prepare_model).result()
    with tempfile.TemporaryDirectory() as place:
        courses = [
            write_notes(
                folder.name,
                first_part(load_beir(folder), given.questions, given.documents),
                Path(place) / folder.name,
            )
            for folder in folders
        ]
        options = Options(given.threads, 1 if given.quick else 3, courses[-1])
        found = []
        for script in scripts:
            measured = measure(script, courses, model, options)
            found.append(measured)
            print(
                f"{measured.name}: {measured.failure or 'done'}; index {measured.index_seconds} s, "
                f"p50 {measured.p50_ms} ms, cold {measured.cold_seconds} s",
                file=sys.stderr,
            )
    write_report(found, command(given), scope(courses, load), threads=given.threads)


if __name__ == "__main__":
    main()

"""The comparison with peers: measured from outside, failures told, standing said rightly."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from assistant.evaluation.collection import Collection, Document, Query

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PEER = '''
"""Finds the notes that share most words."""

import sys
import time

sys.path.insert(0, {peers!r})
from protocol import run


class Words:
    def __init__(self, folders):
        self.folders = folders
        print("a library talks")

    def build(self):
        (self.folders.index / "index").write_bytes(bytes(1000))
        return len(self.folders.all_notes())

    def open(self):
        self.notes = dict(self.folders.all_notes())
        self.memory = bytes(range(256)) * {kilobytes} * 4

    def search(self, question, count):
        time.sleep(0.02)
        words = set(question.lower().split())
        common = {{n: len(words & set(t.lower().split())) for n, t in self.notes.items()}}
        return sorted(common, key=lambda name: -common[name])[:count]

    def refresh(self, name):
        {refresh}


if __name__ == "__main__":
    run(Words)
'''
FRESH = "self.notes[name] = self.folders.note(name)"
DOCUMENTS = (
    Document("a", "Ports", "docker publie un port avec une option"),
    Document("b", "Volumes", "un volume garde les données"),
    Document("c", "Images", "une image est faite de couches, chacune d'un ordre du fichier"),
)
QUERIES = (
    Query("1", "quelle option publie un port", {"a": 1.0}),
    Query("2", "un port garde les données", {"a": 1.0}),  # b shares more words
)


@pytest.fixture
def compare_peers(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import compare_peers

    return compare_peers


def measured(
    compare_peers: ModuleType, place: Path, refresh: str, kilobytes: int = 1
) -> tuple[object, Path]:
    script = place / "words.py"
    source = PEER.format(peers=str(BENCHMARKS / "peers"), refresh=refresh, kilobytes=kilobytes)
    script.write_text(source, encoding="utf-8")
    course = compare_peers.write_notes("tiny", Collection(QUERIES, DOCUMENTS), place / "notes")
    options = compare_peers.Options(1, 1, course)
    return compare_peers.measure(script, [course], place, options), place / "notes"


def test_a_peer_is_measured_from_outside(compare_peers: ModuleType, tmp_path: Path) -> None:
    found, notes = measured(compare_peers, tmp_path, FRESH)
    assert found.failure == ""
    assert (found.passages, found.bytes) == (3, 1000)
    assert found.ndcg == {"tiny": [1.0, pytest.approx(1 / math.log2(3))]}
    assert found.p50_ms >= 20 and found.cold_seconds >= 0.02 and found.index_seconds > 0
    assert compare_peers.FACT not in "".join(path.read_text() for path in notes.iterdir())


def test_memory_is_that_of_the_peer(tmp_path: Path) -> None:
    """Measured by a process of its own: the system begins to count at what the caller holds."""
    code = f"""
import sys
from pathlib import Path
sys.path[:0] = {[str(Path(__file__).parent), str(BENCHMARKS)]!r}
import compare_peers
from test_compare_peers import FRESH, measured
found, _ = measured(compare_peers, Path({str(tmp_path)!r}), FRESH, kilobytes=300_000)
print(found.index_megabytes, found.serve_megabytes)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    indexing, serving = map(float, done.stdout.split())
    assert indexing < 300 < serving


@pytest.mark.parametrize(
    ("refresh", "reason"),
    [
        ("pass", "an edited note is not found after its refresh"),
        ("raise ValueError('a | reason')", "ValueError: a / reason"),
    ],
)
def test_a_failure_is_told_with_its_reason(
    compare_peers: ModuleType, tmp_path: Path, refresh: str, reason: str
) -> None:
    many = tuple(Document(f"m{n}", "Autre", f"le code de la salle est {n}") for n in range(20))
    script = tmp_path / "words.py"
    script.write_text(
        PEER.format(peers=str(BENCHMARKS / "peers"), refresh=refresh, kilobytes=1), encoding="utf-8"
    )
    documents = (*DOCUMENTS, Document("z", "Z", "court"), *many)
    course = compare_peers.write_notes("tiny", Collection(QUERIES, documents), tmp_path / "notes")
    found = compare_peers.measure(script, [course], tmp_path, compare_peers.Options(1, 1, course))
    assert found.failure == reason
    assert found.p50_ms is not None


def test_standing_names_what_is_ahead_and_what_cannot_be_told_apart(
    compare_peers: ModuleType, tmp_path: Path
) -> None:
    import peer_report
    from peer_report import Measured

    good, bad = [1.0] * 40, [0.2] * 40
    ours = Measured(peer_report.OURS, "", p50_ms=9.0, cold_seconds=1.0, bytes=5_000_000,
                    index_seconds=3.0, ndcg={"x": good, "y": good})  # fmt: skip
    model = Measured("model", "", p50_ms=20.0, cold_seconds=8.0, bytes=2_000_000,
                     index_seconds=9.0, ndcg={"x": bad, "y": good})  # fmt: skip
    words = Measured("bm25s_lexical", "", p50_ms=0.1, cold_seconds=2.0, bytes=9_000_000,
                     index_seconds=9.0, ndcg={"x": bad, "y": bad})  # fmt: skip
    failed = Measured("broken", "", failure="not installed: no such package")
    path = tmp_path / "RESULTS.md"
    peer_report.write_report([ours, model, words, failed], "command", "scope", threads=2, path=path)
    text = path.read_text(encoding="utf-8")
    assert "Ahead of every peer: index, cold, nDCG@10 on x." in text
    assert "behind words alone: warm p50 (9.0 against 0.1 ms for bm25s_lexical)." in text
    assert "- disk: 5.0 MB against model 2.0; " in text
    assert "- nDCG@10 on y: +0.000 (+0.000 to +0.000) against model, too little" in text
    assert "| broken | – | " in text and "not installed: no such package |" in text
    assert (tmp_path / "plots" / "peers.png").read_bytes().startswith(b"\x89PNG")


def test_packages_of_a_peer_are_read_from_its_comment_block(
    compare_peers: ModuleType, tmp_path: Path
) -> None:
    from peer_environment import dependencies, last_line

    script = tmp_path / "peer.py"
    script.write_text(
        '# /// script\n# dependencies = [\n#     "a>=1",\n#     "b",\n# ]\n# ///\n"""."""\n'
    )
    assert dependencies(script) == ["a>=1", "b"]
    script.write_text('"""No block."""\n')
    assert dependencies(script) == []
    assert last_line("WARNING: x\nERROR: no match for a|b\nhint\n") == "ERROR: no match for a/b"

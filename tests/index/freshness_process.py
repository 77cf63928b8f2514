"""Random sequences of changes to a folder of notes: the index is never stale.

After every refresh each row of the index, and an answer, is compared with those of an
index built from nothing. Some refreshes are killed (SIGKILL) at a random statement of
SQLite or access to a file. Run with the number of sequences; prints what was done.
"""

from __future__ import annotations

import collections
import os
import shutil
import signal
import sys
import tempfile
import time
import unicodedata
from pathlib import Path

import faiss
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from small_course import Course, dump

from assistant.embedding.fake import FakeEmbedder
from assistant.index import refresh as refreshing
from assistant.index import vectors
from assistant.index.store import Store
from assistant.reading import corpus as reading

QUESTION = "à quoi sert le volume ?"
TIME_TRUSTED_NS = 30_000_000  # instead of two seconds: else no file here is ever trusted

done: collections.Counter[str] = collections.Counter()

NAMES = st.sampled_from(
    [
        "a.md",
        "A.md",
        "b.txt",
        unicodedata.normalize("NFC", "été.md"),
        unicodedata.normalize("NFD", "été.md"),
        "cours/a.md",
        "Cours/a.md",
        "cours/notes 🎓.md",
        "cours/tp/b.md",
        unicodedata.normalize("NFC", "réseau/b.md"),
        unicodedata.normalize("NFD", "réseau/b.md"),
        "folder.md/inside.md",
    ]
)
FOLDERS = st.sampled_from(["cours", "Cours", "autre", "autre/dans", "folder.md"])
TEXTS = st.builds(
    lambda text, number: text.replace("{n}", str(number)).encode(),
    st.sampled_from(
        [
            "# Le volume {n}\n\nLe volume garde les données du conteneur {n}.\n",
            "---\ntitle: Titre {n}\ntags: [un, t{n}]\ndate: 2021-0{n}-01\n---\n\nLe volume sert.\n",
            "# Commun\n\nLe volume sert à garder.\n\n# Autre {n}\n\nLe noyau partage.\n",
            "Voir [[a]] et [b](cours/a.md).\n\n- un point {n}\n- un volume\n",
            "",
            "%PDF- no note {n}",
        ]
    ),
    st.integers(1, 4),
)
PICK = st.integers(0, 1000)


def kill_at(event: int) -> None:
    """End this process at a number of statements, files opened, renamed or removed."""
    seen = 0

    def count(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == event:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(name: str, arguments: tuple[object, ...]) -> None:
        if name in ("open", "os.rename", "os.remove"):
            count()

    opened = Store.open.__func__

    def open_traced(cls: type[Store], folder: Path, *, create: bool = False) -> Store:
        store: Store = opened(cls, folder, create=create)
        store.connection.set_trace_callback(count)
        return store

    Store.open = classmethod(open_traced)
    sys.addaudithook(audit)


class Notes(RuleBasedStateMachine):
    """A folder of notes that people and programs change."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="freshness-"))
        self.dimension = 16
        self.course = Course(self.root, FakeEmbedder(dimension=self.dimension))
        self.history: list[bytes] = []
        done["sequences"] += 1

    def files(self) -> list[Path]:
        return sorted(path for path in self.course.corpus.rglob("*") if path.is_file())

    def folders(self) -> list[Path]:
        return sorted(path for path in self.course.corpus.rglob("*") if path.is_dir())

    def make_room(self, path: Path) -> None:
        """Remove what stands where `path`, or a folder above it, is to be."""
        for place in [*path.relative_to(self.course.corpus).parents][::-1]:
            above = self.course.corpus / place
            if above.is_file():
                above.unlink()
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)

    @rule(name=NAMES, data=TEXTS)
    def write(self, name: str, data: bytes) -> None:
        path = self.course.corpus / name
        self.make_room(path)
        path.write_bytes(data)
        self.history.append(data)

    @precondition(lambda self: self.files())
    @rule(pick=PICK, data=TEXTS)
    def save_as_editors_do(self, pick: int, data: bytes) -> None:
        path = self.files()[pick % len(self.files())]
        temporary = path.with_name(f".{path.name}.swp")
        temporary.write_bytes(data)
        os.replace(temporary, path)
        self.history.append(data)

    @precondition(lambda self: self.files() and self.history)
    @rule(pick=PICK, version=PICK)
    def restore(self, pick: int, version: int) -> None:
        path = self.files()[pick % len(self.files())]
        path.write_bytes(self.history[version % len(self.history)])

    @precondition(lambda self: self.files())
    @rule(pick=PICK)
    def change_keeping_size_and_time(self, pick: int) -> None:
        path = self.files()[pick % len(self.files())]
        status = path.stat()
        path.write_bytes(path.read_bytes().replace(b"volume", b"disque"))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    @precondition(lambda self: self.files())
    @rule(pick=PICK, ago=st.integers(0, 10_000_000))
    def touch(self, pick: int, ago: int) -> None:
        path = self.files()[pick % len(self.files())]
        os.utime(path, (time.time() - ago, time.time() - ago))

    @precondition(lambda self: self.files())
    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        self.files()[pick % len(self.files())].unlink()

    @precondition(lambda self: self.files())
    @rule(pick=PICK, name=NAMES)
    def rename(self, pick: int, name: str) -> None:
        path, new = self.files()[pick % len(self.files())], self.course.corpus / name
        content = path.read_bytes()
        if path == new or new in path.parents:
            return
        self.make_room(new)
        if path.is_file():
            path.rename(new)
        else:  # it lay where the new one is
            new.write_bytes(content)

    @precondition(lambda self: len(self.files()) > 1)
    @rule(pick=PICK)
    def swap_names(self, pick: int) -> None:
        files = self.files()
        one, other = files[pick % len(files)], files[(pick + 1) % len(files)]
        aside = self.root / "aside"
        one.rename(aside)
        other.rename(one)
        aside.rename(other)

    @precondition(lambda self: self.folders())
    @rule(pick=PICK, name=FOLDERS)
    def move_folder(self, pick: int, name: str) -> None:
        folder, new = self.folders()[pick % len(self.folders())], self.course.corpus / name
        if new == folder or folder in new.parents or new in folder.parents:
            return
        self.make_room(new)
        folder.rename(new)

    @precondition(lambda self: self.files())
    @rule(pick=PICK)
    def replace_file_by_folder(self, pick: int) -> None:
        path = self.files()[pick % len(self.files())]
        content = path.read_bytes()
        path.unlink()
        path.mkdir()
        (path / "inside.md").write_bytes(content)

    @precondition(lambda self: self.folders())
    @rule(pick=PICK, data=TEXTS)
    def replace_folder_by_file(self, pick: int, data: bytes) -> None:
        folder = self.folders()[pick % len(self.folders())]
        shutil.rmtree(folder)
        folder.write_bytes(data)

    @precondition(lambda self: self.files())
    @rule()
    def take_the_folder_away_and_bring_it_back(self) -> None:
        self.course.corpus.rename(self.root / "away")
        (self.root / "away").rename(self.course.corpus)

    @rule()
    def another_model(self) -> None:
        self.let_go()
        self.dimension = 24 if self.dimension == 16 else 16
        self.course.embedder = FakeEmbedder(dimension=self.dimension)
        self.course.assistant = self.course.reopened()

    @rule(hash_all=st.booleans())
    def refresh(self, hash_all: bool) -> None:
        self.course.refresh(hash_all=hash_all)
        self.compare()

    @rule()
    def rebuild(self) -> None:
        self.course.assistant.rebuild()
        self.compare()

    @rule(event=st.integers(1, 120), rebuild=st.sampled_from([False, False, False, True]))
    def killed_refresh(self, event: int, rebuild: bool) -> None:
        self.let_go()
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            kill_at(event)
            assistant = self.course.reopened()
            assistant.rebuild() if rebuild else assistant.refresh()
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, -signal.SIGKILL), code
        done["killed refreshes"] += code == -signal.SIGKILL

    @invariant()
    def counted(self) -> None:
        done["steps"] += 1

    def let_go(self) -> None:
        if (store := self.course.assistant._opened()) is not None:
            store.close()
        self.course.assistant = self.course.reopened()

    def compare(self) -> None:
        fresh = self.root / f"fresh-{time.time_ns()}"
        other = Course(self.root, FakeEmbedder(dimension=self.dimension), index=fresh.name)
        told, wanted = self.course.assistant.ask(QUESTION), other.assistant.ask(QUESTION)
        assert _words(told) == _words(wanted), "another answer than a fresh index"
        assert dump(self.course.index) == dump(fresh), "other rows than a fresh index"
        other.close()
        shutil.rmtree(fresh)
        done["comparisons"] += 1

    def teardown(self) -> None:
        self.course.refresh()
        self.compare()
        leftovers = [path.name for path in self.course.index.glob("*.tmp")]
        assert not leftovers, leftovers
        self.let_go()
        shutil.rmtree(self.root)


def _words(answer) -> object:
    return (answer.answered, answer.text, answer.see_also,
            [(c.note_id, c.start, c.quote) for c in answer.citations],
            [(h.chunk, round(h.score, 6)) for h in answer.hits])  # fmt: skip


def main(sequences: int) -> None:
    faiss.omp_set_num_threads(1)  # a process with more threads must not fork
    refreshing._BATCH = 2
    vectors.REBUILD_AT = 3
    Store.reclaim_space.__kwdefaults__.update(share=0.1, least=0)
    assert hasattr(reading, "_RACY_NS")
    reading._RACY_NS = TIME_TRUSTED_NS
    started = time.perf_counter()
    run_state_machine_as_test(
        Notes,
        settings=settings(
            max_examples=sequences,
            stateful_step_count=20,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
    told = ", ".join(f"{count} {what}" for what, count in done.items())
    print(f"{told}, 0 differences, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]))

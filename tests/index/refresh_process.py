"""Run by `test_interruption.py`: refreshes a course in child processes, and kills them.

Modes: `kill ROOT COUNT` and `together ROOT`. Prints nothing when all is well.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

import faiss  # noqa: F401  (before the children part, so that they start in no time)
from small_course import Course, dump

from assistant.embedding.fake import FakeEmbedder
from assistant.index import refresh as refreshing
from assistant.index import vectors

QUESTION = "à quoi sert le volume ?"


class SlowEmbedder(FakeEmbedder):
    def encode_passages(self, texts, progress=None):
        time.sleep(0.004 * len(texts))
        return super().encode_passages(texts, progress)


def in_child(work) -> int:
    """Start `work` in a child process; it exits 0 unless it raises."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return child


def wait(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def edit(course: Course, generator: random.Random, trial: int) -> None:
    for _ in range(12):
        n = generator.randrange(40)
        course.write(f"n{n:02}.md", f"# Note {n}\n\nLe volume {trial} {generator.random()} sert.\n")
    if trial % 3 == 2:
        (course.corpus / sorted(p.name for p in course.corpus.iterdir())[0]).unlink()


def told(answer) -> object:
    return (answer.answered, answer.text, [(c.note_id, c.start, c.quote) for c in answer.citations],
            [(h.chunk, round(h.score, 6)) for h in answer.hits])  # fmt: skip


def check(course: Course) -> None:
    """The next command works, and answers as a fresh index would."""
    answer = course.reopened().ask(QUESTION)
    fresh = Course(course.root, FakeEmbedder(), index=f"fresh-{time.time_ns()}")
    assert told(answer) == told(fresh.assistant.ask(QUESTION)), "another answer than a fresh index"
    assert dump(course.index) == dump(fresh.index), "other rows than a fresh index"
    leftovers = [p.name for p in course.index.iterdir() if ".tmp" in p.name]
    assert not leftovers, leftovers


def kill_often(root: Path, count: int) -> int:
    refreshing._BATCH = 2
    vectors.REBUILD_AT = 4
    generator = random.Random(5)
    course = Course(root, SlowEmbedder())
    edit(course, generator, 0)
    started = time.perf_counter()
    assert wait(in_child(lambda: course.reopened().refresh())) == 0
    whole = time.perf_counter() - started
    killed = 0
    for trial in range(1, count + 1):
        edit(course, generator, trial)
        child = in_child(lambda: course.reopened().refresh())
        time.sleep(generator.uniform(0, whole))
        os.kill(child, signal.SIGKILL)
        code = wait(child)
        assert code in (0, -signal.SIGKILL), "a refresh failed before it was killed"
        was_at_work = code == -signal.SIGKILL
        killed += was_at_work
        whole *= 1.0 if was_at_work else 0.8  # this machine has become faster since
        if wait(in_child(lambda: check(course))) != 0:
            return 1
    assert killed >= count // 4, f"only {killed} of {count} were killed at work"
    return 0


def together(root: Path) -> int:
    """Four processes refresh at once, from nothing and then after edits."""
    refreshing._BATCH = 2
    course = Course(root, SlowEmbedder())
    generator = random.Random(6)
    for trial in range(3):
        edit(course, generator, trial)
        children = [in_child(lambda: course.reopened().refresh()) for _ in range(4)]
        if any([wait(child) for child in children]):
            return 1
        if wait(in_child(lambda: check(course))) != 0:
            return 1
    return 0


if __name__ == "__main__":
    mode, folder, *rest = sys.argv[1:]
    code = together(Path(folder)) if mode == "together" else kill_often(Path(folder), int(rest[0]))
    sys.exit(code)

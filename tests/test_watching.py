"""The index follows the notes: one edited note within two seconds, however it is saved."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from assistant.errors import CorpusError
from assistant.watching import Watcher, is_network_folder

LIMIT = 3.5  # seconds: the two that are promised, and a margin for a busy machine


def note(word: str) -> str:
    return f"# Titre\n\nLe {word} sert à garder les données.\n"


class Following:
    """A watched course and what the watcher told."""

    def __init__(self, course):
        self.course, self.told = course, []
        self.watcher = Watcher(course.assistant, self.told.append)

    def wait_for(self, is_done, limit=LIMIT):
        """Seconds until `is_done`; fails after the limit."""
        started = time.perf_counter()
        while not is_done():
            assert time.perf_counter() - started < limit, self.told
            time.sleep(0.02)
        return time.perf_counter() - started

    def says(self, note_id, word):
        """Whether the index, which is not refreshed by asking, has this word in the note."""
        try:
            return word in self.course.assistant.note(note_id).text
        except KeyError:
            return False


@pytest.fixture
def following(course):
    course.write("a.md", note("volume"))
    course.refresh()
    following = Following(course)
    following.watcher.start()
    time.sleep(0.3)
    yield following
    following.watcher.stop()
    assert not [t for t in threading.enumerate() if t.name == "notes"]


def test_an_edited_note_is_searchable_at_once(following):
    for word in ("disque", "réseau"):
        following.course.write("a.md", note(word))
        following.wait_for(lambda word=word: following.says("a.md", word))
    assert following.told[-1].changed == ("a.md",)


def test_an_atomic_save_is_one_change(following):
    path = following.course.corpus / "a.md"
    for suffix, word in (("~", "disque"), (".tmp", "réseau")):
        aside = path.with_name(f".a.md{suffix}")
        aside.write_text(note(word), encoding="utf-8")
        os.replace(aside, path)
        following.wait_for(lambda word=word: following.says("a.md", word))
    following.wait_for(lambda: len(following.told) >= 2)  # told once the note can be found
    assert [report.changed for report in following.told] == [("a.md",)] * 2
    assert not any(report.removed for report in following.told)


def test_added_renamed_and_removed_notes(following):
    following.course.write("new/b.md", note("noyau"))
    following.wait_for(lambda: following.says("new/b.md", "noyau"))
    (following.course.corpus / "new").rename(following.course.corpus / "moved")
    following.wait_for(lambda: following.says("moved/b.md", "noyau"))
    shutil.rmtree(following.course.corpus / "moved")
    following.wait_for(lambda: not following.says("moved/b.md", "noyau"))


def test_a_folder_taken_away_and_replaced_is_followed_again(following):
    corpus = following.course.corpus
    corpus.rename(following.course.root / "away")
    following.wait_for(lambda: any(isinstance(t, CorpusError) for t in following.told), 8)
    corpus.mkdir()
    (corpus / "c.md").write_text(note("conteneur"), encoding="utf-8")
    following.wait_for(lambda: following.says("c.md", "conteneur"), 8)
    following.course.write("c.md", note("moteur"))
    following.wait_for(lambda: following.says("c.md", "moteur"), 8)
    assert sum(isinstance(told, CorpusError) for told in following.told) == 1


def test_what_changed_before_it_was_followed_is_found(course):
    course.write("a.md", note("volume"))
    course.refresh()
    course.write("a.md", note("disque"))
    following = Following(course)
    following.watcher.start()
    following.wait_for(lambda: following.says("a.md", "disque"))
    following.watcher.stop()


def test_polling_follows_too(course, monkeypatch):
    monkeypatch.setattr("assistant.watching.is_network_folder", lambda corpus: True)
    course.write("a.md", note("volume"))
    course.refresh()
    following = Following(course)
    following.watcher.start()
    time.sleep(1.3)
    course.write("a.md", note("disque entier"))
    following.wait_for(lambda: following.says("a.md", "disque"))
    following.watcher.stop()


def test_an_index_among_the_notes_wakes_nobody(course, monkeypatch):
    course.index = course.corpus / "index"
    course.assistant = course.reopened()
    course.write("a.md", note("volume"))
    course.refresh()
    following = Following(course)
    refreshes = []
    refresh = course.assistant.refresh
    monkeypatch.setattr(
        course.assistant, "refresh", lambda: (refreshes.append(time.monotonic()), refresh())[1]
    )
    following.watcher.start()
    following.wait_for(lambda: refreshes)  # the one it begins with
    course.write("a.md", note("disque"))
    following.wait_for(lambda: following.says("a.md", "disque"))
    time.sleep(1.5)
    following.watcher.stop()
    assert len(refreshes) <= 3


@pytest.mark.parametrize(
    ("name", "matters"),
    [
        ("a.md", True),
        ("sub/b.md", True),
        (".gitignore", True),
        ("sub/.assistantignore", True),
        (".a.md.swp", False),
        (".git/index", False),
    ],
)
def test_which_changes_matter(course, name, matters):
    assert Watcher(course.assistant)._matters(course.corpus / name) is matters


@pytest.mark.parametrize(
    ("folder", "is_network"),
    [("/", False), ("/home/x", False), ("/mnt/my share/cours", True), ("/mnt/other", False)],
)
def test_a_network_folder_is_known_by_its_mount(tmp_path, folder, is_network):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "40 22 0:35 / /mnt/my\\040share rw - nfs4 server:/x rw\n"
        "41 22 8:2 / /mnt/other rw shared:9 - xfs /dev/sdb rw\n"
    )
    assert is_network_folder(Path(folder), mounts) is is_network
    assert not is_network_folder(Path(folder), tmp_path / "absent")

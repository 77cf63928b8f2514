"""The conversation in a terminal: follow-ups, commands, Ctrl-C, and a note in the editor."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import termios
import time
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import scripted_model as scripted

from assistant.cli_conversation import converse, editor_command
from assistant.datatypes import Answer

ROOT = Path(__file__).parents[1]
NOTE = (
    "# Le noyau\n\nLes cgroups permettent de limiter les ressources des processus.\n\n"
    "# Les volumes\n\nLes volumes permettent aux conteneurs de stocker des données.\n"
)
CGROUPS = "Les cgroups permettent de limiter les ressources des processus"
VOLUMES = "Les volumes permettent aux conteneurs de stocker des données"
ASKED = "À quoi servent les volumes ?"


@pytest.fixture
def talk(course, monkeypatch, capsys):
    """Hold a conversation of these lines; an exception is raised in place of its line."""
    course.write("docker.md", NOTE)
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)

    def call(*lines, ask=None):
        left = iter(lines)

        def read(prompt=""):
            line = next(left, EOFError())
            if isinstance(line, BaseException):
                raise line
            return line

        monkeypatch.setattr("builtins.input", read)
        converse(ask or course.assistant.stream, course.corpus)
        printed = capsys.readouterr()
        return printed.out + printed.err

    return call


def test_a_follow_up_is_completed_and_said_so(talk):
    said = talk(ASKED, "et les cgroups ?")
    first, second = said.split("Compris comme : à quoi servent les cgroups ?\n")
    assert first.index(VOLUMES) < first.index("ligne 7")
    assert second.index(CGROUPS) < second.index("ligne 3")


def test_thanks_are_no_topic(talk):
    said = talk(ASKED, "merci", "et les cgroups ?")
    assert "Avec plaisir" in said
    assert f"    {VOLUMES}" in talk(ASKED, "merci", "/sources")
    assert "Compris comme : à quoi servent les cgroups ?" in said


@pytest.mark.parametrize("command", ["/nouvelle", "/new"])
def test_a_new_conversation_forgets(talk, command):
    said = talk(ASKED, command, "et les cgroups ?", "/quitter")
    assert "Compris comme" not in said and CGROUPS in said
    assert "Aucune source" in talk(ASKED, command, "/sources")


def test_sources_are_shown_word_for_word(talk, course):
    assert "Aucune source" in talk("/sources")
    said = talk(ASKED, "/sources")
    shown = said[said.rindex("[1] Le noyau › Les volumes") :]
    assert f"{course.corpus / 'docker.md'}, ligne 7\n    {VOLUMES}.\n" in shown


@pytest.mark.parametrize("command", ["/quitter", "/quit"])
def test_leaving(talk, command):
    assert VOLUMES not in talk(command, ASKED)
    assert VOLUMES not in talk(EOFError(), ASKED)


def test_help_names_every_command_and_unknown_ones_are_told(talk):
    for command in ("/aide", "/help"):
        said = talk(command)
        for name in ("/sources", "/ouvrir n", "/nouvelle", "/aide", "/quitter", "/open n",
                     "/new", "/help", "/quit"):  # fmt: skip
            assert name in said
    assert "Commande inconnue : /x. /aide" in talk("/x y z")
    assert "Commande inconnue" not in talk("/etc/passwd contient quoi ?", "", "  ")


def test_what_cannot_be_asked_is_told_and_the_conversation_goes_on(talk, course):
    assert VOLUMES in talk("x" * 3000, ASKED)
    away = course.corpus.rename(course.root / "away")
    said = talk(ASKED)
    assert "--corpus" in said and said.count("\n") == 3 and "Traceback" not in said
    away.rename(course.corpus)


def test_an_interrupt_at_the_prompt_only_clears_the_line(talk):
    assert VOLUMES in talk(KeyboardInterrupt(), ASKED)


def test_an_interrupt_stops_the_answer_and_keeps_what_was_shown(talk, course):
    closed = []

    def ask(question: str, **options) -> Iterator[Answer]:
        whole = course.assistant.ask(question, use_model=False)
        try:
            if question == ASKED:
                yield replace(whole, text=f"{VOLUMES}. [1]", citations=whole.citations[:1])
                raise KeyboardInterrupt
            yield whole
        finally:
            closed.append(question)

    said = talk(ASKED, "/ouvrir 1", "que permettent les cgroups ?", ask=ask)
    stopped = said.split("Réponse arrêtée.")[0]
    assert f"{VOLUMES}. [1]\n\n[1] Le noyau › Les volumes" in stopped
    assert "docker.md:7" in said and CGROUPS in said and len(closed) == 2


def test_a_note_that_changed_begins_the_answer_again(talk, course):
    def ask(question: str, **options) -> Iterator[Answer]:
        whole = course.assistant.ask(question, use_model=False)
        yield replace(whole, text="Ancien. [1]")
        yield replace(whole, text=f"{VOLUMES}. [1]", citations=whole.citations[:1])

    said = talk(ASKED, ask=ask)
    assert f"Ancien. [1]\n\n{VOLUMES}. [1]\n\n[1] Le noyau" in said


def test_a_note_cannot_steer_the_terminal(talk, course):
    course.write(
        "docker.md",
        "# Les \x1b[2Jvolumes\n\nLes volumes \x1b]0;pris\x07 permettent \x9b31m tout\u202e.\n",
    )
    said = talk(ASKED, "/sources")
    assert "permettent" in said
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", said)


# --- /ouvrir ----------------------------------------------------------------------------


@pytest.fixture
def editor(tmp_path, monkeypatch):
    """An editor that writes down how it was called: its path, the file of its arguments."""

    def make(name: str, code: int = 0) -> tuple[Path, Path]:
        program, told = tmp_path / "with space" / name, tmp_path / "told"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{told}"\nexit {code}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return program, told

    return make


@pytest.mark.parametrize("command", ["/ouvrir 1", "/open 1", "/ouvrir"])
def test_a_source_opens_at_its_line(talk, course, editor, monkeypatch, command):
    program, told = editor("vim")
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.setenv("VISUAL", f"'{program}' -R")
    talk(ASKED, command)
    assert told.read_text().splitlines() == ["-R", "+7", str(course.corpus / "docker.md")]


def test_without_an_editor_the_place_is_printed(talk, course, monkeypatch):
    place = f"{course.corpus / 'docker.md'}:7"
    assert f"\n{place} (pour l'ouvrir" in talk(ASKED, "/ouvrir 1")
    for editor in ("/nowhere/vim", "false", "vim 'unclosed"):
        monkeypatch.setenv("EDITOR", editor)
        assert f"{place} : « {editor} » n'a pas pu l'ouvrir" in talk(ASKED, "/ouvrir 1")


def test_what_cannot_be_opened_is_told(talk, course):
    assert "Aucune source à ouvrir" in talk("/ouvrir 1")
    for number in ("0", "99", "x", "-1", "1 2"):
        assert f"Pas de source « {number} » : /ouvrir prend un nombre de 1 à" in talk(
            ASKED, f"/ouvrir {number}"
        )

    def ask(question: str, **options) -> Iterator[Answer]:
        yield course.assistant.ask(question, **options)
        (course.corpus / "docker.md").unlink()

    assert "n'existe plus" in talk(ASKED, "/ouvrir 1", ask=ask)


def test_of_a_page_the_place_is_told_instead(talk, course, monkeypatch):
    monkeypatch.setenv("EDITOR", "false")

    def ask(question: str, **options) -> Iterator[Answer]:
        answer = course.assistant.ask(question, **options)
        pages = tuple(replace(c, page=12, unit="page") for c in answer.citations)
        yield replace(answer, citations=pages)

    assert f"\n{course.corpus / 'docker.md'}, p. 12\n" in talk(ASKED, "/ouvrir 1", ask=ask)


@pytest.mark.parametrize(
    ("editor", "command"),
    [
        ("vi", ["vi", "+12", "/n/a b.md"]),
        ("/usr/bin/nvim -R", ["/usr/bin/nvim", "-R", "+12", "/n/a b.md"]),
        ("nano", ["nano", "+12", "/n/a b.md"]),
        ("emacs -nw", ["emacs", "-nw", "+12", "/n/a b.md"]),
        ("emacsclient -t", ["emacsclient", "-t", "+12", "/n/a b.md"]),
        ("code --wait", ["code", "--wait", "--goto", "/n/a b.md:12"]),
        ("subl -w", ["subl", "-w", "/n/a b.md:12"]),
        ("ed", ["ed", "/n/a b.md"]),
        ("'/o p t/vim'", ["/o p t/vim", "+12", "/n/a b.md"]),
    ],
)
def test_each_editor_is_told_the_line_in_its_own_way(editor, command):
    assert editor_command(editor, Path("/n/a b.md"), 12) == command


# --- on a terminal ------------------------------------------------------------------------

SCRIPT = """
import sys
from dataclasses import replace
import assistant.assistant as module
from assistant import cli
from assistant.embedding.fake import FakeEmbedder
retrieve = module.retrieve
module.retrieve = lambda *a, **o: replace(retrieve(*a, **o), is_calibrated=True)
cli._open = lambda settings: module.Assistant.open(settings, embedder=FakeEmbedder())
cli.main()
"""


class Terminal:
    """A command on a pseudo-terminal of its own, which Ctrl-C and Ctrl-D reach."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.ours, theirs = pty.openpty()
        settings = {k: v for k, v in os.environ.items() if not k.startswith("ASSISTANT_")}
        settings |= {"PYTHONPATH": str(ROOT), "ASSISTANT_CAUTION": "0", "TERM": "dumb"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *arguments],
            cwd=folder, env=settings | environment, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True,
            preexec_fn=self._take_terminal,
        )  # fmt: skip
        os.close(theirs)
        self.decoder = getincrementaldecoder("utf-8")("replace")
        self.said = ""  # without colours

    @staticmethod
    def _take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests run in the background ignore it

    def wait_for(self, words: str, seconds: float = 30.0) -> str:
        """Return what was said up to these words, and forget it."""
        deadline = time.monotonic() + seconds
        while words not in self.said:
            left = deadline - time.monotonic()
            assert left > 0 and self._read(left), f"no {words!r} in {self.said!r}"
        before, self.said = self.said.split(words, 1)
        return before

    def _read(self, seconds: float) -> bool:
        if not select.select([self.ours], [], [], seconds)[0]:
            return False
        try:
            piece = os.read(self.ours, 65536)
        except OSError:  # the other side is closed
            return False
        self.said += self.decoder.decode(piece)
        self.said = re.sub(r"\x1b\[\d*m", "", self.said).replace("\r\n", "\n")
        return bool(piece)

    def type(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    def interrupt_prompt(self) -> None:
        """Type Ctrl-C; again where it came between the prompt and the wait for a key."""
        for _ in range(5):
            time.sleep(0.3)
            self.type("\x03")
            with suppress(AssertionError):
                self.wait_for("> ", 3.0)
                return
        raise AssertionError(self.said)

    def end(self) -> int:
        """Wait for the command to end and return its exit code; the rest is in `said`."""
        while self._read(30.0):
            pass
        return self.process.wait(30)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.ours)


@pytest.fixture
def terminal(tmp_path):
    opened = []
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "docker.md").write_text(NOTE, encoding="utf-8")

    def start(*arguments, **environment):
        opened.append(Terminal(tmp_path, *arguments, **environment))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def test_a_conversation_on_a_terminal(terminal):
    chat = terminal("ask")
    chat.wait_for("/aide")
    chat.wait_for("> ")
    chat.type(f"{ASKED}\n")
    chat.wait_for(f"{VOLUMES}. [1]")
    chat.wait_for("\n> ")
    chat.type("et les cgroups ?\n")
    chat.wait_for("Compris comme : à quoi servent les cgroups ?\n")
    chat.wait_for("\n> ")
    chat.type("\x1b[A\x1b[A\n" if readline_works() else f"{ASKED}\n")  # arrow up, twice
    chat.wait_for(f"{VOLUMES}. [1]")
    chat.wait_for("\n> ")
    chat.interrupt_prompt()
    chat.type("\x04")
    assert chat.end() == 0 and "Traceback" not in chat.said


def readline_works() -> bool:
    try:
        import readline
    except ImportError:
        return False
    return "libedit" not in (readline.__doc__ or "")


def test_an_interrupt_on_a_terminal_stops_the_model_and_not_the_conversation(terminal):
    def script(handler):
        handler.begin()
        for _ in range(400):
            handler.say(f"{CGROUPS} [1]. {CGROUPS} [2]. ")
            time.sleep(0.05)

    quick = scripted.streams(f"{VOLUMES} [1]. {VOLUMES} [2].")
    with scripted.serving(script, quick) as server:
        chat = terminal("ask", ASSISTANT_LLM_URL=server.url, ASSISTANT_LLM_MODEL="petit")
        chat.wait_for("> ")
        chat.type("que permettent les cgroups ?\n")
        said = chat.wait_for(f"{CGROUPS}. [1]")
        assert "Le modèle de langue écrit…\r\x1b[K" in said
        chat.type("\x03")
        assert "[1] Le noyau" in chat.wait_for("Réponse arrêtée.")
        assert server.is_broken_off.wait(5), "the request goes on"
        chat.wait_for("> ")
        chat.type(f"{ASKED}\n")
        chat.wait_for(f"{VOLUMES}. [1]")
        chat.wait_for("> ")
        chat.type("/quitter\n")
        assert chat.end() == 0 and "Traceback" not in chat.said


def test_json_is_no_conversation(terminal):
    asked = terminal("ask", "--json")
    assert asked.end() == 2
    assert asked.said == "assistant ask : il manque QUESTION. Voir « assistant ask --help ».\n"


def test_a_question_on_a_terminal_is_answered_once(terminal):
    asked = terminal("ask", ASKED)
    assert asked.end() == 0
    assert f"{VOLUMES}. [1]" in asked.said and "> " not in asked.said
    assert "modèle de langue" not in asked.said

"""A conversation in the terminal: follow-ups, sources, and a note opened at its line.

Lines that begin with "/" are commands, in French and English; everything else is asked.
Ctrl-C stops the answer under way and keeps what was shown of it. Nothing is written to
disk: the history of the arrow keys ends with the conversation.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import click

from assistant.answering.conversation import Turn, remember
from assistant.answering.frames import citation_place
from assistant.cli_output import AnswerPrinter, printable, source_line
from assistant.datatypes import Answer
from assistant.errors import AssistantError

Ask = Callable[..., Iterator[Answer]]  # Assistant.stream, with the options of the command

PROMPT = "> "
WELCOME = "Posez vos questions. /aide : les commandes ; Ctrl-D : quitter."
HELP = """\
  /sources      montrer les passages cités par la dernière réponse
  /ouvrir n     ouvrir la note de la source n à sa ligne, dans $VISUAL ou $EDITOR
  /nouvelle     oublier les questions précédentes
  /aide         cette liste
  /quitter      terminer (ou Ctrl-D) ; Ctrl-C arrête la réponse en cours
  In English: /sources, /open n, /new, /help, /quit"""
_COMMAND = re.compile(r"/(\w*)(?:\s+(.*))?", re.S)
_LINE_BEFORE = {  # editors that take +12 before the path
    "vi", "vim", "nvim", "gvim", "view", "nano", "pico", "emacs", "emacsclient", "joe", "jed",
    "kak", "ne", "micro", "gedit",
}  # fmt: skip
_GOTO = {"code", "code-insiders", "codium", "cursor"}  # --goto path:12
_LINE_AFTER = {"subl", "sublime_text", "zed", "hx", "helix"}  # path:12


def converse(ask: Ask, corpus: Path, *, waiting: str = "") -> None:
    """Read lines and answer them until the end of the input or /quitter.

    `waiting` is shown until an answer begins.
    """
    with suppress(ImportError):  # there is none on Windows
        import readline  # noqa: F401  # input() then has arrow keys and a history
    conversation = _Conversation(ask, corpus, waiting)
    click.echo(WELCOME)
    while True:
        try:
            line = input(PROMPT).strip()
            if line and not conversation.take(line):
                return
        except EOFError:
            click.echo()
            return
        except KeyboardInterrupt:
            click.echo()  # the line that was begun is forgotten


class _Conversation:
    """What was asked so far, and the answer that the commands speak of."""

    def __init__(self, ask: Ask, corpus: Path, waiting: str) -> None:
        self._ask = ask
        self._corpus = corpus
        self._waiting = waiting
        self._turns: list[Turn] = []
        self._last: Answer | None = None

    def take(self, line: str) -> bool:
        """Obey or answer one line; return whether the conversation goes on."""
        command = _COMMAND.fullmatch(line)
        if command is None:
            self._answer(line)
        elif command[1] in ("quitter", "quit"):
            return False
        elif command[1] in ("nouvelle", "new"):
            self._turns, self._last = [], None
            click.echo("Nouvelle conversation.")
        elif command[1] == "sources":
            _print_sources(self._last, self._corpus)
        elif command[1] in ("ouvrir", "open"):
            _open(self._last, (command[2] or "1").strip(), self._corpus)
        elif command[1] in ("aide", "help"):
            click.echo(HELP)
        else:
            click.echo(f"Commande inconnue : /{printable(command[1])}. /aide les montre.")
        return True

    def _answer(self, question: str) -> None:
        printer = AnswerPrinter(self._corpus, waiting=self._waiting)
        try:
            printer.show(
                lambda progress: self._ask(question, conversation=self._turns, progress=progress)
            )
        except KeyboardInterrupt:
            click.echo("\nRéponse arrêtée.")
        except AssistantError as error:
            click.echo(printable(str(error)), err=True)
            return
        answer = printer.answer
        if answer is not None and (answer.answered or answer.hits):  # thanks are no topic
            self._last = answer
            self._turns.append(remember(answer))


def _print_sources(answer: Answer | None, corpus: Path) -> None:
    if answer is None or not answer.citations:
        click.echo("Aucune source : la dernière réponse n'en cite pas.")
        return
    for citation in answer.citations:
        click.echo(source_line(citation, corpus, answer.language))
        for line in printable(citation.quote).splitlines():
            click.echo(f"    {line}")


def _open(answer: Answer | None, number: str, corpus: Path) -> None:
    """Open the note of a source in the user's editor; say where it is where that cannot be."""
    citations = answer.citations if answer else ()
    citation = next((c for c in citations if str(c.number) == number), None)
    if answer is None or citation is None:
        click.echo(
            f"Pas de source « {printable(number)} » : /ouvrir prend un nombre de 1 à "
            f"{len(citations)}."
            if citations
            else "Aucune source à ouvrir : la dernière réponse n'en cite pas."
        )
        return
    path = corpus / citation.note_id
    if citation.unit != "line":  # an editor of text is of no use for a PDF or slides
        click.echo(printable(f"{path}, {citation_place(citation, answer.language)}"))
        return
    place = printable(f"{path}:{citation.line_start}")
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    if not path.exists():
        click.echo(f"{place} : cette note n'existe plus ; reposez la question.")
    elif not editor.strip():
        click.echo(f"{place} (pour l'ouvrir d'ici, réglez EDITOR, par exemple EDITOR=nano)")
    else:
        try:
            subprocess.run(editor_command(editor, path.resolve(), citation.line_start), check=True)
        except (OSError, ValueError, subprocess.CalledProcessError):
            click.echo(f"{place} : « {editor} » n'a pas pu l'ouvrir ; vérifiez VISUAL ou EDITOR.")


def editor_command(editor: str, path: Path, line: int) -> list[str]:
    """Return the command that opens `path` at `line`, as this editor writes it.

    `editor` is a command line with its options; ValueError when its quotes do not match.
    An editor that is not known gets the path alone.
    """
    words = shlex.split(editor)
    name = Path(words[0]).stem.lower()
    if name in _LINE_BEFORE:
        return [*words, f"+{line}", str(path)]
    if name in _GOTO:
        return [*words, "--goto", f"{path}:{line}"]
    if name in _LINE_AFTER:
        return [*words, f"{path}:{line}"]
    return [*words, str(path)]

"""How the command line shows results: colours in a terminal, plain text when piped."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assistant.answering.frames import FRAMES, attribution, citation_place
from assistant.datatypes import Answer, Citation, Hit, RefreshReport, Skipped, Suggestion

if TYPE_CHECKING:
    from assistant.assistant import Status
    from assistant.diagnosis import Finding
    from assistant.index.refresh import Progress

_LONG = 200  # notes or passages, whose indexing is announced even when piped
_MOST_NAMES = 10  # of notes printed one by one
_SKIPPED_NAMES = 3  # of files printed for each reason
_MOST_LABELS = 20  # courses or tags printed
_LONGEST_NAME = 40  # characters of a note's id beside a bar
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_DETAILS = re.compile(r"\d+")  # of a reason, that differ from file to file


def print_json(value: object) -> None:
    """Print one JSON value, readable by people too."""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    click.echo(json.dumps(value, ensure_ascii=encoding != "utf8", indent=2))


def answer_as_json(answer: Answer) -> dict[str, Any]:
    """Return the answer as the command-line contract writes it."""
    return {
        "question": answer.question,
        "language": answer.language,
        "answered": answer.answered,
        "confidence": round(answer.confidence, 4),
        "text": answer.text,
        "citations": [_with_note(citation) for citation in answer.citations],
        "hits": [hit_as_json(hit) for hit in answer.hits],
        "suggestions": [_with_note(suggestion) for suggestion in answer.suggestions],
        "see_also": [{"note": note_id, "title": title} for note_id, title in answer.see_also],
        "standalone": answer.standalone,
        "model": answer.model,
        "notice": answer.notice,
        "limited_to": answer.limited_to,
        "timings_ms": answer.timings_ms,
    }


def _with_note(value: Citation | Suggestion) -> dict[str, Any]:
    """Return the fields of a value, the id of its note under `note`."""
    return {"note" if key == "note_id" else key: field for key, field in asdict(value).items()}


def hit_as_json(hit: Hit) -> dict[str, Any]:
    """Return a passage with its scores."""
    return {
        "rank": hit.rank,
        "score": round(hit.score, 4),
        "note": hit.chunk.note_id,
        "title": hit.title,
        "headings": hit.chunk.headings,
        "start": hit.chunk.start,
        "end": hit.chunk.end,
        "text": hit.chunk.text,
        "signals": {name: round(value, 4) for name, value in asdict(hit.signals).items()},
        "duplicates": hit.duplicates,
        "author": hit.author,
        "date": hit.date,
    }


def report_as_json(report: RefreshReport) -> dict[str, Any]:
    """Return what a refresh did, with whether the index was stale."""
    return {
        **asdict(report),
        "skipped": [{"note": item.note_id, "reason": item.reason} for item in report.skipped],
        "seconds": round(report.seconds, 3),
        "stale": report.is_stale,
    }


def status_as_json(state: Status) -> dict[str, Any]:
    """Return the state of the index."""
    return {**asdict(state), "corpus": str(state.corpus), "index": str(state.index)}


class AnswerPrinter:
    """Prints an answer as it grows: each sentence once, then the sources.

    `answer` is what has been shown: the whole answer, or the part of one that was stopped.
    """

    def __init__(self, corpus: Path, *, waiting: str = "") -> None:
        """`corpus` is the folder that the sources are named in.

        `waiting` is shown on a terminal until the answer begins.
        """
        self.corpus = corpus
        self.waiting = waiting
        self.answer: Answer | None = None
        self._said = ""

    def show(self, ask: Callable[[Progress], Iterator[Answer]]) -> Answer:
        """Print what `ask` yields and return the last; a stopped answer keeps its sources."""
        answers = None
        try:
            with _hint(self.waiting) as hide, refresh_progress(announce=True) as draw:

                def progress(stage: str, done: int, total: int, note_id: str = "", /) -> None:
                    hide()  # the bars need the line
                    draw(stage, done, total, note_id)

                answers = ask(progress)
                answer = next(answers)
            self._grow(answer)
            for answer in answers:
                self._grow(answer)
        except KeyboardInterrupt:
            if answers is not None and hasattr(answers, "close"):
                answers.close()  # ends the request to the language model
            if self.answer is not None and self._said:
                click.echo()
                self._print_sources(self.answer)
            raise
        except BaseException:
            if self._said:
                click.echo()  # the line of the error stands alone
            raise
        self._end(answer)
        return answer

    def _grow(self, answer: Answer) -> None:
        texts = FRAMES[answer.language]
        if self.answer is None and answer.standalone:
            understood = texts["understood"].format(question=answer.standalone)
            click.secho(printable(understood), dim=True)
        self.answer = answer
        if not answer.answered:
            return
        if not answer.text.startswith(self._said):  # a note changed: the answer begins again
            click.echo("\n")
            self._said = ""
        sentence = answer.text[len(self._said) :]
        self._said = answer.text  # before it is printed: an interrupt may come in between
        click.echo(printable(sentence), nl=False)

    def _end(self, answer: Answer) -> None:
        if answer.answered:
            click.echo()
            self._print_sources(answer)
        else:
            click.secho(answer.text, bold=True)
            self._print_suggestions(answer)
        if answer.notice:
            click.secho(printable(answer.notice), fg="yellow", err=True)

    def _print_sources(self, answer: Answer) -> None:
        click.echo()
        for citation in answer.citations:
            click.echo(source_line(citation, self.corpus, answer.language))
        if answer.see_also:
            notes = " · ".join(f"{title} ({self.corpus / id_})" for id_, title in answer.see_also)
            click.echo(printable(f"\n{FRAMES[answer.language]['see_also']} {notes}"))

    def _print_suggestions(self, answer: Answer) -> None:
        if answer.suggestions:
            click.echo(FRAMES[answer.language]["nearest"])
        for suggestion in answer.suggestions:
            path = " › ".join(suggestion.headings or (suggestion.title,))
            place = f"{self.corpus / suggestion.note_id}:{suggestion.line_start}"
            click.echo(printable(f"  - {path}  ({place})"))


@contextmanager
def _hint(words: str) -> Iterator[Callable[[], None]]:
    """Show a few words on a terminal; give what takes them away, which is also done after."""
    shown = bool(words) and sys.stderr.isatty()

    def hide() -> None:
        nonlocal shown
        if shown:
            shown = False
            click.echo("\r\x1b[K", nl=False, err=True)

    if shown:
        click.secho(words, dim=True, nl=False, err=True)
    try:
        yield hide
    finally:
        hide()


def source_line(citation: Citation, corpus: Path, language: str) -> str:
    """Return one line: the number, the headings, the file and the place in it."""
    number = click.style(f"[{citation.number}]", fg="cyan", bold=True)
    path = _section(citation.title, citation.headings)
    place = citation_place(citation, language)
    source = printable(f"{path} — {corpus / citation.note_id}, {place}")
    return f"{number} {source}{_by(citation, language)}"


def _by(found: Citation | Hit, language: str) -> str:
    """Return " — Jeanne Martin, 12 mars 2024", dim; empty where neither is known."""
    by = printable(attribution(found.author, found.date, language))
    return click.style(f" — {by}", dim=True) if by else ""


def _section(title: str, headings: Sequence[str]) -> str:
    """Return "title › heading › heading", a heading that repeats the title left out."""
    return " › ".join((title, *(heading for heading in headings if heading != title)))


def printable(text: str) -> str:
    """Return `text` without control characters: a note must not steer the terminal."""
    return _CONTROLS.sub("", text)


def printable_name(name: str) -> str:
    """Return a file's name as one line: names may hold line breaks, which lists must not."""
    return printable(" ".join(name.splitlines()))


def print_hits(hits: Sequence[Hit]) -> None:
    """Print ranked passages, the first lines of each."""
    if not hits:
        click.echo("Aucun passage : le dossier de notes est vide.")
    for hit in hits:
        path = _section(hit.title, hit.chunk.headings)
        rank = click.style(f"{hit.rank}.", fg="cyan", bold=True)
        section = printable_name(f"{path} ({hit.chunk.note_id})")
        click.echo(f"{rank} {section}  {hit.score:.3f}{_by(hit, 'fr')}")
        excerpt = " ".join(printable(hit.chunk.text).split())
        click.echo(f"   {excerpt[:240]}{'…' if len(excerpt) > 240 else ''}")


def print_report(
    report: RefreshReport, *, checked_only: bool = False, every_name: bool = False
) -> None:
    """Print what a refresh did, or would do; of many notes the first, or `every_name`."""
    most = sys.maxsize if every_name else _MOST_NAMES
    if report.rebuilt:
        click.echo(f"Index à refaire : {report.rebuilt}.")
    for name, ids in (
        ("ajoutée", report.added),
        ("modifiée", report.changed),
        ("supprimée", report.removed),
        ("renommée", tuple(f"{old} → {new}" for old, new in report.renamed)),
    ):
        for note_id in ids[:most]:
            click.echo(f"  {name} : {printable_name(note_id)}")
        if len(ids) > most:
            more = len(ids) - most
            click.echo(f"  … {_others(more)} ({name}{'s' if more > 1 else ''})")
    _print_skipped(report.skipped, most)
    counts = (
        f"{len(report.added)} ajoutée(s), {len(report.changed)} modifiée(s), "
        f"{len(report.renamed)} renommée(s), {len(report.removed)} supprimée(s), "
        f"{report.unchanged} inchangée(s), {len(report.skipped)} ignorée(s)"
    )
    click.echo(f"Notes : {counts}.")
    if checked_only:
        advice = "L'index n'est plus à jour : lancez « assistant index »."
        click.echo(advice if report.is_stale else "L'index est à jour.")
        return
    if not report.is_stale:
        click.echo("Rien à faire : l'index était à jour.")
    click.echo(
        f"Passages : {report.chunks}, dont {report.embedded} vectorisé(s), "
        f"en {report.seconds:.1f} s."
    )


def _print_skipped(skipped: Sequence[Skipped], most: int) -> None:
    """Print a table of the files that are not indexed: how many, why, the first of them."""
    if not skipped:
        return
    groups: dict[str, list[Skipped]] = {}
    for item in skipped:
        groups.setdefault(_DETAILS.sub("", item.reason), []).append(item)
    click.secho("Fichiers ignorés :", fg="yellow")
    for group in sorted(groups.values(), key=lambda group: (-len(group), group[0].reason)):
        first = group[: max(_SKIPPED_NAMES, most // 100)]
        names = ", ".join(printable_name(item.note_id) for item in first)
        more = len(group) - len(first)
        click.secho(f"  {len(group):>5}  {printable(group[0].reason)}", fg="yellow")
        click.echo(f"         {names}{f' … {_others(more)}' if more > 0 else ''}")


def _others(count: int) -> str:
    return f"et {count} autre{'s' if count > 1 else ''}"


def findings_as_json(findings: Sequence[Finding], mended: Sequence[str]) -> dict[str, Any]:
    """Return what the doctor found, and what was mended."""
    return {
        "ok": all(finding.ok for finding in findings),
        "checks": [
            {"name": f.name, "ok": f.ok, "detail": f.detail, "mend": f.mend} for f in findings
        ],
        "mended": list(mended),
    }


def print_findings(findings: Sequence[Finding], mended: Sequence[str]) -> None:
    """Print one line a check, with the mend of what is wrong."""
    for finding in findings:
        state = click.style("ok", fg="green") if finding.ok else click.style("problème", fg="red")
        mend = f" → {finding.mend}" if finding.mend else ""
        click.echo(f"{finding.name + ' ':·<20} {state} : {finding.detail}{mend}")
    if mended:
        click.echo(f"Réparé : {', '.join(mended)}.")
    elif any(finding.fix for finding in findings):
        click.echo("« assistant doctor --fix » répare ce qui peut l'être.")


def print_status(state: Status) -> None:
    """Print the state of the index and what to do."""
    languages = ", ".join(f"{code} {count}" for code, count in state.languages.items()) or "–"
    when = (
        datetime.fromtimestamp(state.refreshed).strftime("%d/%m/%Y %H:%M:%S")
        if state.refreshed
        else "jamais"
    )
    for name, value in (
        ("Notes", f"{state.corpus} ({state.notes} indexées ; langues : {languages})"),
        *(
            [("Ignorées", f"{state.skipped} (« assistant index » dit pourquoi)")]
            if state.skipped
            else []
        ),
        ("Index", f"{state.index} ({state.chunks} passages, {state.bytes / 1e6:.1f} Mo)"),
        *[
            (name, _counts(found))
            for name, found in (("Cours", state.courses), ("Étiquettes", state.tags))
            if found
        ],
        ("Modèle", state.model),
        ("Mise à jour", when),
        ("État", f"{state.stale_reason} : lancez « assistant index »" if state.stale else "à jour"),
    ):
        click.echo(f"{name + ' ':·<13} {value}")


def _counts(labels: dict[str, int]) -> str:
    """Return "docker 3, reseau 2", the most frequent first, not too many."""
    ordered = sorted(labels.items(), key=lambda item: (-item[1], item[0]))
    told = ", ".join(f"{name} {count}" for name, count in ordered[:_MOST_LABELS])
    return told + (f", … ({len(ordered)} en tout)" if len(ordered) > _MOST_LABELS else "")


def print_measures(measures: dict[str, Any]) -> None:
    """Print an evaluation as a table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"{measures.get('documents')} documents, {measures.get('queries')} questions"
    )
    for column in ("mesure", "valeur", "intervalle à 95 %"):
        table.add_column(column)
    intervals = measures.get("intervals", {})
    for name, value in measures.items():
        if isinstance(value, float):
            low_high = intervals.get(name)
            shown = f"{low_high[0]:.3f} – {low_high[1]:.3f}" if low_high else ""
            table.add_row(name, f"{value:.4f}", shown)
    Console().print(table)


@contextmanager
def refresh_progress(*, announce: bool = False) -> Iterator[Progress]:
    """Draw a bar on a terminal while notes are indexed; nothing when piped.

    With `announce`, a long refresh is told in one line when piped: whoever asked a
    question does not expect one. Nothing is imported while there is nothing to index.
    """
    with ExitStack() as stack:
        report: list[Progress] = []

        def begin_or_go_on(stage: str, done: int, total: int, note_id: str = "", /) -> None:
            if not report:
                if sys.stderr.isatty():
                    report.append(stack.enter_context(_bars()))
                else:
                    report.append(_one_line() if announce else lambda *_: None)
            report[0](stage, done, total, note_id)

        yield begin_or_go_on


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.table import Column

    name_column = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    with Progress(
        "{task.description}",
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        "{task.fields[speed]}",
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", table_column=name_column),
        console=Console(stderr=True),
        transient=True,
        expand=True,
    ) as bars:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int, note_id: str = "", /) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total or None, speed="", note="")
            unit = "passages" if stage == "vectorisation" else "notes"
            speed = bars.tasks[tasks[stage]].speed
            bars.update(
                tasks[stage],
                completed=done,
                total=total or None,
                speed=f"{speed:.1f} {unit}/s" if speed else "",
                note=escape(note_id[-_LONGEST_NAME:]),
            )

        yield report


def _one_line() -> Progress:
    told: set[str] = set()

    def report(stage: str, done: int, total: int, note_id: str = "", /) -> None:
        if stage not in told and (total >= _LONG or total == 0):
            told.add(stage)
            click.echo(f"Mise à jour de l'index : {stage}… ({total or '?'})", err=True)

    return report


def model_progress() -> Any:
    """Return what draws the one-time preparation of the model, on stderr."""
    state: dict[str, bool] = {}

    def report(done: int, total: int) -> None:
        if not state:
            state["told"] = True
            click.echo("Préparation du modèle (une seule fois)…", err=True)
        if sys.stderr.isatty():
            click.echo(f"\r  {100 * done // max(total, 1)} %", nl=done >= total, err=True)

    return report

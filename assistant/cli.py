"""The command line: parses, calls the assistant once, prints.

Exit codes: 0 done or answered, 1 the notes do not answer (or `index --check` found the
index stale), 2 an error, told in one line on stderr. Nothing heavy is imported before a
command needs it; how results look is in `cli_output.py`.
"""

from __future__ import annotations

import os
import stat
import sys
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial, wraps
from io import TextIOWrapper
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from assistant import __version__
from assistant.errors import AssistantError, FilterError, SettingsError
from assistant.settings import Settings, limit_threads

if TYPE_CHECKING:
    from datetime import date

    from assistant.assistant import Assistant
    from assistant.datatypes import RefreshReport
    from assistant.retrieval.filters import Filters

_F = TypeVar("_F", bound=Callable[..., Any])
HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _folders(function: _F) -> _F:
    """Add the options that every command on notes has."""
    for option in (
        click.option("--index", "index_folder", type=click.Path(path_type=Path), metavar="DIR",
                     help="Dossier de l'index [défaut : index]."),
        click.option("--corpus", type=click.Path(path_type=Path), metavar="DIR",
                     help="Dossier des notes [défaut : corpus]."),
    ):  # fmt: skip
        function = option(function)
    return function


def _filters(function: _F) -> _F:
    """Add the options that choose notes, given to the command as one `filters`."""

    @wraps(function)
    def command(
        course: tuple[str, ...],
        note: tuple[str, ...],
        tag: tuple[str, ...],
        since: str | None,
        **options: Any,
    ) -> Any:
        from assistant.retrieval.filters import Filters

        chosen = Filters(course, note, tag, _first_day(since) if since else None)
        return function(filters=chosen, **options)

    for option in (
        click.option("--since", metavar="DATE",
                     help="Les notes datées de ce jour ou d'après (2021-02-15, 15/02/2021, 2021)."),
        click.option("--tag", multiple=True, metavar="ÉTIQUETTE",
                     help="Les notes qui portent cette étiquette (répétable)."),
        click.option("--note", multiple=True, metavar="NOTE",
                     help="Cette note : chemin, nom ou motif comme « reseau/*.md » (répétable)."),
        click.option("--course", multiple=True, metavar="COURS",
                     help="Les notes de ce cours, premier dossier du chemin (répétable)."),
    ):  # fmt: skip
        command = option(command)
    return command  # type: ignore[return-value]


def _first_day(written: str) -> date:
    from assistant.retrieval.dates import read_date

    days = read_date(written)
    if days is None:
        raise FilterError(
            f"« {written} » n'est pas une date : écrivez par exemple --since 2021-02-15, "
            "--since 15/02/2021 ou --since 2021."
        )
    return days[0]


_json = click.option("--json", "as_json", is_flag=True, help="Résultat en JSON, pour un programme.")
_no_refresh = click.option(
    "--no-refresh", is_flag=True, help="Ne pas relire les notes avant de répondre."
)


def _settings(corpus: Path | None, index_folder: Path | None) -> Settings:
    settings = Settings.from_environment()
    if corpus is not None:
        settings = replace(settings, corpus=corpus)
    if index_folder is not None:
        settings = replace(settings, index=index_folder)
    return settings


def _open(settings: Settings) -> Assistant:
    from assistant.assistant import Assistant
    from assistant.cli_output import model_progress

    return Assistant.open(settings, model_progress=model_progress())


@click.group(context_settings=HELP)
@click.version_option(__version__, "-V", "--version", message="assistant %(version)s",
                      help="Afficher la version.")  # fmt: skip
def cli() -> None:
    """Assistant de cours : posez une question, lisez la réponse prouvée par les notes.

    \b
    Pour commencer :
      assistant ask "à quoi servent les cgroups ?"
      assistant ask            ouvre une conversation dans ce terminal
      assistant serve          ouvre la discussion sur http://127.0.0.1:7860

    \b
    Complétion par la touche Tab (bash ; zsh et fish : zsh_source, fish_source) :
      eval "$(_ASSISTANT_COMPLETE=bash_source assistant)"
    """


@cli.command()
@click.argument("question", nargs=-1)
@_folders
@click.option("-k", "count", type=click.IntRange(1, 100), default=8, metavar="N",
              help="Nombre de passages à retenir [défaut : 8].")  # fmt: skip
@click.option("--language", metavar="fr|en|…", help="Langue de la question et de la réponse.")
@click.option("--llm/--no-llm", "use_model", default=None,
              help="Laisser ou non un modèle de langue rédiger, vérifié phrase par phrase "
              "[défaut : oui si ASSISTANT_LLM_URL et _MODEL sont réglés].")  # fmt: skip
@_filters
@_no_refresh
@_json
def ask(
    question: tuple[str, ...],
    corpus: Path | None,
    index_folder: Path | None,
    count: int,
    language: str | None,
    use_model: bool | None,
    filters: Filters,
    no_refresh: bool,
    as_json: bool,
) -> None:
    """Répondre à QUESTION avec les mots des notes, citations à l'appui.

    Sans QUESTION, dans un terminal, ouvre une conversation. QUESTION vaut « - » pour la lire
    sur l'entrée standard. Code de sortie : 0 réponse, 1 les notes ne répondent pas, 2 erreur.
    """
    from assistant import cli_output

    _check_language(language)
    settings = _settings(corpus, index_folder)
    if use_model and not settings.llm_url:
        raise SettingsError(_how_to_set_a_model())
    is_conversation = not question and not as_json and _is_terminal()
    asked = "" if is_conversation else _question(question or _piped())
    ask_notes = partial(
        _open(settings).stream,
        k=count,
        refresh=not no_refresh,
        language=language,
        filters=filters,
        use_model=use_model is not False,
    )
    waiting = "Le modèle de langue écrit…" if settings.llm_url and use_model is not False else ""
    if is_conversation:
        from assistant.cli_conversation import converse

        converse(ask_notes, settings.corpus, waiting=waiting)
        return
    if as_json:
        with cli_output.refresh_progress(announce=True) as progress:
            *_, answer = ask_notes(asked, progress=progress)
        cli_output.print_json(cli_output.answer_as_json(answer))
    else:
        answer = cli_output.AnswerPrinter(settings.corpus, waiting=waiting).show(
            lambda progress: ask_notes(asked, progress=progress)
        )
    if not answer.answered:
        sys.exit(1)


@cli.command()
@click.argument("question", nargs=-1, required=True)
@_folders
@click.option("-k", "count", type=click.IntRange(1, 100), default=8, metavar="N",
              help="Nombre de passages [défaut : 8].")  # fmt: skip
@_filters
@_no_refresh
@_json
def search(
    question: tuple[str, ...],
    corpus: Path | None,
    index_folder: Path | None,
    count: int,
    filters: Filters,
    no_refresh: bool,
    as_json: bool,
) -> None:
    """Lister les passages les plus proches de QUESTION, sans répondre."""
    from assistant import cli_output

    with cli_output.refresh_progress(announce=True) as progress:
        hits = _open(_settings(corpus, index_folder)).search(
            _question(question),
            k=count,
            refresh=not no_refresh,
            filters=filters,
            progress=progress,
        )
    if as_json:
        cli_output.print_json([cli_output.hit_as_json(hit) for hit in hits])
    else:
        cli_output.print_hits(hits)


@cli.command("index")
@_folders
@click.option(
    "--check", is_flag=True, help="Ne rien changer ; code 1 si l'index n'est plus à jour."
)
@click.option("--dry-run", is_flag=True, help="Ne rien changer ; lister ce qui serait fait.")
@click.option("--rebuild", is_flag=True, help="Refaire l'index entièrement, sans rien réutiliser.")
@_json
def index_command(
    corpus: Path | None,
    index_folder: Path | None,
    check: bool,
    dry_run: bool,
    rebuild: bool,
    as_json: bool,
) -> None:
    """Mettre l'index à jour avec les notes (seules les notes changées sont relues)."""
    from assistant import cli_output

    settings = _settings(corpus, index_folder)
    assistant = _open(settings)
    if check or dry_run:
        report = assistant.check()
    else:
        with cli_output.refresh_progress() as progress:
            if rebuild:
                report = assistant.rebuild(progress)
            else:
                report = assistant.refresh(progress, hash_all=True)
    if as_json:
        cli_output.print_json(cli_output.report_as_json(report))
    else:
        cli_output.print_report(report, checked_only=check or dry_run, every_name=dry_run)
    if check and report.is_stale:
        sys.exit(1)


@cli.command()
@_folders
@_json
def status(corpus: Path | None, index_folder: Path | None, as_json: bool) -> None:
    """Dire où en sont les notes, l'index et le modèle."""
    from assistant import cli_output

    state = _open(_settings(corpus, index_folder)).status()
    if as_json:
        cli_output.print_json(cli_output.status_as_json(state))
    else:
        cli_output.print_status(state)


@cli.command("eval")
@click.argument("source", type=click.Path(path_type=Path), metavar="DIR")
@_folders
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Les N premières questions.")
@_json
def eval_command(
    source: Path,
    corpus: Path | None,
    index_folder: Path | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Mesurer l'assistant sur DIR : un DOSSIER ou un fichier .csv/.jsonl de questions.

    Le dossier est au format BEIR (corpus.jsonl, queries.jsonl, qrels.tsv). Les questions d'un
    fichier (colonnes question, note, quote) sont posées aux notes de --corpus.
    """
    from assistant import cli_output
    from assistant.evaluation.run import evaluate

    with cli_output.refresh_progress() as progress:
        measures = evaluate(source, _settings(corpus, index_folder), limit=limit, progress=progress)
    if as_json:
        cli_output.print_json(measures)
    else:
        cli_output.print_measures(measures)


@cli.command()
@_folders
@click.option("--host", default="127.0.0.1", metavar="ADRESSE", help="[défaut : 127.0.0.1]")
@click.option("--port", default=7860, type=click.IntRange(1, 65535), help="[défaut : 7860]")
@click.option("--force", is_flag=True,
              help="Ouvrir à d'autres machines même sans mot de passe.")  # fmt: skip
def serve(
    corpus: Path | None, index_folder: Path | None, host: str, port: int, force: bool
) -> None:
    """Ouvrir la discussion dans le navigateur."""
    from assistant.web.application import serve as serve_application

    serve_application(host, port, _settings(corpus, index_folder), force=force)


@cli.command()
@_folders
def watch(corpus: Path | None, index_folder: Path | None) -> None:
    """Mettre l'index à jour chaque fois que les notes changent (Ctrl-C pour arrêter)."""
    from assistant import cli_output
    from assistant.watching import Watcher

    def tell(outcome: RefreshReport | AssistantError) -> None:
        if isinstance(outcome, AssistantError):
            click.echo(str(outcome), err=True)
        else:
            cli_output.print_report(outcome)

    settings = _settings(corpus, index_folder)
    assistant = _open(settings)
    with cli_output.refresh_progress() as progress:
        report = assistant.refresh(progress)
    cli_output.print_report(report)
    click.echo(f"Surveillance de « {settings.corpus} » ; Ctrl-C pour arrêter.")
    with suppress(KeyboardInterrupt):
        Watcher(assistant, tell).run()


@cli.command()
@_folders
@click.option("--fix", is_flag=True, help="Réparer ce qui peut l'être sans rien perdre.")
@click.option("--port", default=7860, type=click.IntRange(1, 65535),
              help="Port de la discussion [défaut : 7860].")  # fmt: skip
@_json
def doctor(
    corpus: Path | None, index_folder: Path | None, fix: bool, port: int, as_json: bool
) -> None:
    """Vérifier notes, index, modèle, disque et port ; dire comment réparer, ou réparer.

    Code de sortie : 0 tout va bien, 1 il reste un problème.
    """
    from assistant import cli_output
    from assistant.diagnosis import diagnose, mend

    assistant = _open(_settings(corpus, index_folder))
    if fix:
        with cli_output.refresh_progress() as progress:
            findings, mended = mend(assistant, port, progress)
    else:
        findings, mended = diagnose(assistant, port), []
    if as_json:
        cli_output.print_json(cli_output.findings_as_json(findings, mended))
    else:
        cli_output.print_findings(findings, mended)
    if not all(finding.ok for finding in findings):
        sys.exit(1)


def _question(words: tuple[str, ...]) -> str:
    if words == ("-",):
        written = sys.stdin.buffer.read()
        is_utf_16 = written.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
        text = written.decode("utf-16" if is_utf_16 else "utf-8-sig", "replace")
        return text.replace("\r\n", "\n")
    return " ".join(words)


def _is_terminal() -> bool:
    streams = (sys.stdin, sys.stdout)  # None where a program was started without them
    return all(stream is not None and stream.isatty() for stream in streams)


def _piped() -> tuple[str, ...]:
    """Return "-" where a pipe or a file is the standard input; without, QUESTION is missing."""
    with suppress(OSError, ValueError, AttributeError):  # closed, or none at all
        mode = os.fstat(sys.stdin.fileno()).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode):
            return ("-",)
    raise click.UsageError("il manque QUESTION", click.get_current_context())


def _how_to_set_a_model() -> str:
    """Say which variables name a language model, with the values of a local Ollama's."""
    from assistant.answering.language_model import OLLAMA_URL, find_local_ollama
    from assistant.cli_output import printable

    line = (
        "--llm : aucun modèle de langue n'est réglé. Donnez ASSISTANT_LLM_URL, l'adresse d'un "
        "serveur compatible OpenAI, et ASSISTANT_LLM_MODEL, le nom du modèle"
    )
    models = find_local_ollama()
    if not models:
        return f"{line} ; sans --llm, les mots des notes répondent."
    name = quote(" ".join(printable(models[0]).split()))
    return (
        f"{line} ; Ollama répond sur cette machine : "
        f"ASSISTANT_LLM_URL={OLLAMA_URL}/v1 ASSISTANT_LLM_MODEL={name}"
    )


def _check_language(language: str | None) -> None:
    if language is None:
        return
    from assistant.language import is_known_language

    if not is_known_language(language):
        raise SettingsError(
            f"« {language} » n'est pas un code de langue connu : --language fr ou --language en "
            "pour une réponse dans cette langue, ou le code à deux lettres de celle de la "
            "question (de, es, it…)."
        )


def _usage_line(error: click.UsageError) -> str:
    """Say a wrong option or argument in one French line."""
    command = error.ctx.command_path if error.ctx else "assistant"
    message = " ".join(error.format_message().split()).rstrip(".")
    param = error.param if isinstance(error, click.BadParameter) else None
    if isinstance(error, click.NoSuchOption):
        near = f" (vouliez-vous {error.possibilities[0]} ?)" if error.possibilities else ""
        problem = f"option inconnue : {error.option_name}{near}"
    elif isinstance(error, click.MissingParameter):
        name = param.make_metavar(error.ctx) if param and error.ctx else "un argument"
        problem = f"il manque {name.rstrip('.')}"
    elif param and isinstance(param.type, click.IntRange):
        least, most = param.type.min, param.type.max
        numbers = f"de {least} à {most}" if most else f"à partir de {least}"
        problem = f"{param.opts[0]} attend un nombre {numbers}"
    elif isinstance(error, click.BadOptionUsage):
        lacks = "requires" in message
        problem = f"{error.option_name} {'attend une' if lacks else 'ne prend pas de'} valeur"
    elif message.startswith("No such command"):
        problem = f"commande inconnue : {message.split(maxsplit=3)[-1]}"
    elif "unexpected extra argument" in message:
        problem = f"argument en trop : {message[message.rfind('(') :].strip('()')}"
    else:
        problem = message
    return f"{command} : {problem}. Voir « {command} --help »."


def _fail(line: str) -> NoReturn:
    print(line, file=sys.stderr)
    sys.exit(2)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line; every failure is one line on stderr and exit code 2.

    `arguments` are those of the process where they are not given.
    """
    limit_threads()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a character it cannot write is no failure
            stream.reconfigure(errors="replace")
    try:
        sys.exit(cli(arguments, standalone_mode=False, prog_name="assistant") or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.UsageError as error:
        _fail(_usage_line(error))
    except AssistantError as error:
        _fail(str(error))
    except (KeyboardInterrupt, click.Abort):
        print("Interrompu ; l'index reste utilisable.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("ASSISTANT_DEBUG"):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        _fail(f"Erreur inattendue : {reason}. ASSISTANT_DEBUG=1 montre où ; merci de la signaler.")

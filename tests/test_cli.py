"""The command-line contract: keys, exit codes, one clear line for every failure."""

from __future__ import annotations

import codecs
import io
import json
import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import click
import pytest
import scripted_model as scripted

import assistant.answering.language_model as language_model
import assistant.assistant as module
from assistant import cli
from assistant.answering.frames import FRAMES, citation_place
from assistant.assistant import Assistant
from assistant.datatypes import Citation
from assistant.embedding.fake import FakeEmbedder
from assistant.index.store import Store

ROOT = Path(__file__).parents[1]
NOTE = (
    "# Le noyau\n\nLes cgroups permettent de limiter les ressources des processus.\n\n"
    "# Les volumes\n\nLes volumes permettent aux conteneurs de stocker des données.\n"
)
QUESTION = "que permettent les cgroups ?"
SCRIPT = """
import sys
from assistant import cli
from assistant.assistant import Assistant
from assistant.embedding.fake import FakeEmbedder
cli._open = lambda settings: Assistant.open(settings, embedder=FakeEmbedder())
{before}
cli.main()
"""


class Run:
    """One finished command."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command in this process with the fake embedder, in a folder with one note."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ASSISTANT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ASSISTANT_CAUTION", "0")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "docker.md").write_text(NOTE, encoding="utf-8")
    monkeypatch.setattr(
        cli, "_open", lambda settings: Assistant.open(settings, embedder=FakeEmbedder())
    )

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["assistant", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return Run(ended.value.code, captured.out, captured.err)

    return call


def process(folder, *arguments, before="", stdin=None, file=None, **options):
    """Run a command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ASSISTANT_CAUTION": "0"}
    given = {"input": stdin} if file is None else {"stdin": file}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(before=before), *arguments],
        cwd=folder, env=environment, capture_output=True, timeout=60, **given, **options,
    )  # fmt: skip
    return Run(done.returncode, done.stdout.decode(), done.stderr.decode())


def assert_one_line(result, *words):
    """An error for a user: exit 2, nothing on stdout, one line naming the remedy."""
    assert result.code == 2 and result.out == ""
    assert result.err.count("\n") == 1 and result.err.endswith("\n")
    assert "Traceback" not in result.err and "inattendue" not in result.err
    for word in words:
        assert word in result.err, result.err


# --- the contract ---------------------------------------------------------------------


def test_ask_json(run):
    result = run("ask", QUESTION, "--json")
    assert result.code == 0 and result.err == ""
    answer = result.json
    assert list(answer) == [
        "question", "language", "answered", "confidence", "text", "citations", "hits",
        "suggestions", "see_also", "standalone", "model", "notice", "limited_to", "timings_ms",
    ]  # fmt: skip
    assert (answer["question"], answer["language"], answer["answered"]) == (QUESTION, "fr", True)
    citation = answer["citations"][0]
    assert list(citation) == [
        "number", "note", "title", "headings", "start", "end", "line_start", "line_end", "page",
        "quote", "score", "unit", "author", "date",
    ]  # fmt: skip
    assert NOTE[citation["start"] : citation["end"]] == citation["quote"]
    assert (citation["note"], citation["line_start"], citation["page"]) == ("docker.md", 3, None)
    hit = answer["hits"][0]
    assert list(hit) == [
        "rank", "score", "note", "title", "headings", "start", "end", "text", "signals",
        "duplicates", "author", "date",
    ]  # fmt: skip
    assert hit["signals"].keys() == {"dense", "lexical", "late"}
    assert NOTE[hit["start"] : hit["end"]] == hit["text"]


def test_refusal_exits_1_and_names_sections(run, monkeypatch):
    monkeypatch.setenv("ASSISTANT_CAUTION", "1")
    result = run("ask", "--json", "banane")
    assert result.code == 1 and result.err == ""
    assert result.json["answered"] is False and result.json["citations"] == []
    assert list(result.json["suggestions"][0]) == ["note", "title", "headings", "line_start"]
    shown = run("ask", "banane")
    assert shown.code == 1
    assert shown.out.startswith("Les notes ne répondent pas") and "docker.md:" in shown.out


def test_index_json_then_again(run):
    first = run("index", "--json")
    assert first.code == 0
    assert list(first.json) == [
        "added", "changed", "renamed", "removed", "unchanged", "skipped", "chunks", "embedded",
        "seconds", "rebuilt", "stale",
    ]  # fmt: skip
    assert first.json["added"] == ["docker.md"] and first.json["embedded"] > 0
    second = run("index")
    assert second.code == 0 and "Rien à faire" in second.out
    assert run("index", "--json").json["embedded"] == 0


def test_index_tells_what_changed_and_what_is_skipped(run):
    run("index")
    Path("corpus/docker.md").rename("corpus/renamed.md")
    Path("corpus/new.md").write_text("# Neuf\n", encoding="utf-8")
    for name in ("picture.md", "picture2.md"):
        Path("corpus", name).write_bytes(b"\x89PNG\r\n\x1a\n")
    result = run("index")
    assert result.code == 0
    for line in ("ajoutée : new.md", "renommée : docker.md → renamed.md", "Fichiers ignorés :"):
        assert line in result.out
    assert re.search(r"^ +2  .*PNG.*\n +picture\.md, picture2\.md$", result.out, re.M), result.out
    skipped = run("index", "--json").json["skipped"]
    assert [item["note"] for item in skipped] == ["picture.md", "picture2.md"]
    assert all("PNG" in item["reason"] for item in skipped)


def test_reasons_of_different_formats_are_told_apart(run):
    for name in ("a.docx", "b.docx", "c.pptx"):
        Path("corpus", name).write_bytes(b"PK\x03\x04cut short")
    out = run("index").out
    assert re.search(r"^ +2  abîmé ou incomplet \(DOCX\).*\n +a\.docx, b\.docx$", out, re.M), out
    assert re.search(r"^ +1  abîmé ou incomplet \(PPTX\).*\n +c\.pptx$", out, re.M), out


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_file_name_steers_no_terminal(run):
    Path("corpus/a\nb\x1b[31m.md").write_text("# Tigre\n\nLe tigre est rayé.\n", encoding="utf-8")
    Path("corpus/c\x1b[2J\nd.md").write_bytes(b"\x89PNG\r\n\x1a\n")
    for result in (run("index"), run("index", "--dry-run"), run("search", "tigre")):
        assert "\x1b" not in result.out
        assert not re.search(r"^b\[31m|^d\.md", result.out, re.M), result.out
    assert "c[2J d.md" in run("index").out


def test_check_changes_nothing_and_exits_1_when_stale(run):
    stale = run("index", "--check", "--json")
    assert stale.code == 1 and stale.json["stale"] and stale.json["added"] == ["docker.md"]
    assert not Path("index").exists()
    run("index")
    assert run("index", "--check").code == 0
    Path("corpus/docker.md").write_text("# Autre\n", encoding="utf-8")
    told = run("index", "--check")
    assert told.code == 1 and "modifiée : docker.md" in told.out and "assistant index" in told.out
    assert run("index", "--check").code == 1, "checking must not refresh"


def test_dry_run_lists_everything_changes_nothing_and_exits_0(run):
    for n in range(30):
        Path(f"corpus/more{n:02}.md").write_text("# Titre\n", encoding="utf-8")
    told = run("index", "--dry-run")
    assert told.code == 0 and not Path("index").exists()
    assert all(f"ajoutée : more{n:02}.md" in told.out for n in range(30))
    assert run("index", "--dry-run", "--json").json["stale"]
    assert "… et 21 autres (ajoutées)" in run("index", "--check").out
    for n in range(10, 30):
        Path(f"corpus/more{n:02}.md").unlink()
    assert "… et 1 autre (ajoutée)" in run("index", "--check").out


def test_filters(run):
    for name, tag in (("docker", "base"), ("réseau", "avancé")):
        folder = Path("corpus") / name
        folder.mkdir()
        front = f"---\ntags: [{tag}]\ndate: 15 fevrier 202{len(tag) - 3}\n---\n"
        (folder / "volumes.md").write_text(front + NOTE, encoding="utf-8")
    for options, notes in (
        (["--course", "docker"], {"docker/volumes.md"}),
        (["--tag", "avance"], {"réseau/volumes.md"}),
        (["--since", "2022"], {"réseau/volumes.md"}),
        (["--note", "volumes.md"], {"docker/volumes.md", "réseau/volumes.md"}),
        (["--note", "docker.md", "--note", "docker/*"], {"docker.md", "docker/volumes.md"}),
    ):
        found = run("search", "volumes", "--json", *options)
        assert found.code == 0, found.err
        names = {n for hit in found.json for n in (hit["note"], *hit["duplicates"])}
        assert names == notes
        asked = run("ask", QUESTION, "--json", *options)
        assert asked.code == 0 and {c["note"] for c in asked.json["citations"]} <= notes
    state = run("status").out
    assert "docker 1, réseau 1" in state and "avancé 1, base 1" in state
    assert run("status", "--json").json["courses"] == {"docker": 1, "réseau": 1}


def test_language_codes_that_langdetect_knows_are_taken(run):
    for code, frame in (("de", "fr"), ("en", "en"), ("pl", "fr")):
        assert run("ask", QUESTION, "--language", code, "--json").json["language"] == frame


def test_doctor(run):
    before = run("doctor", "--json", "--port", "7999")
    assert before.code == 1 and not before.json["ok"]
    index = next(check for check in before.json["checks"] if check["name"] == "Index")
    assert not index["ok"] and index["mend"] == "assistant index"
    fixed = run("doctor", "--fix", "--port", "7999")
    assert "Réparé : Index." in fixed.out
    assert re.search(r"^Index \.* ?·+ ok : 1 notes, 2 passages", fixed.out, re.M), fixed.out
    assert run("doctor", "--fix", "--json", "--port", "7999").json["mended"] == []


def test_eval_of_a_teachers_file_on_any_folder(run, monkeypatch):
    monkeypatch.setattr(
        "assistant.assistant.load_embedder", lambda *arguments, **options: FakeEmbedder()
    )
    Path("corpus").rename("notes")
    questions = Path("questions.csv")
    questions.write_text(f"question;note;quote\n{QUESTION};docker.md;limiter\n", encoding="utf-8")
    done = run("eval", "questions.csv", "--corpus", "notes", "--index", "there", "--json")
    assert done.code == 0 and done.json["answer_in_citation@1"] == 1
    assert Path("there").is_dir() and not Path("index").exists()
    questions.write_text("question;note;quote\nx;Docker.md;\ny;b.md;\n", encoding="utf-8")
    assert_one_line(
        run("eval", "questions.csv", "--corpus", "notes", "--index", "there"),
        "2 note(s) inconnue(s) : Docker.md, b.md",
    )


def test_search(run):
    result = run("search", "volumes", "conteneurs", "-k", "1", "--json")
    assert result.code == 0 and len(result.json) == 1
    assert "volumes" in result.json[0]["text"] and result.json[0]["rank"] == 1
    assert "docker.md" in run("search", "volumes").out
    Path("corpus/docker.md").unlink()
    assert run("search", "volumes", "--json").json == []
    assert "vide" in run("search", "volumes").out


def test_status(run):
    before = run("status", "--json")
    assert before.code == 0 and before.json["stale"] and before.json["notes"] == 0
    assert list(before.json) == [
        "corpus", "index", "model", "notes", "skipped", "chunks", "languages", "courses", "tags",
        "stale", "stale_reason", "refreshed", "bytes",
    ]  # fmt: skip
    assert "assistant index" in run("status").out
    run("index")
    assert not run("status", "--json").json["stale"]
    assert "à jour" in run("status").out


def test_no_refresh(run):
    assert_one_line(run("ask", QUESTION, "--no-refresh"), "assistant index")
    run("index")
    Path("corpus/new.md").write_text("# Neuf\n\nLes bananes.\n", encoding="utf-8")
    notes = {hit["note"] for hit in run("search", "x", "--no-refresh", "--json").json}
    assert notes == {"docker.md"}
    assert "new.md" in {hit["note"] for hit in run("search", "x", "--json").json}


def test_folders_by_option_and_environment(run, monkeypatch, tmp_path):
    Path("corpus").rename("elsewhere")
    assert run("ask", QUESTION, "--corpus", "elsewhere", "--index", "deep/er").code == 0
    assert (tmp_path / "deep" / "er" / "index.sqlite").exists()
    monkeypatch.setenv("ASSISTANT_CORPUS", "elsewhere")
    monkeypatch.setenv("ASSISTANT_INDEX", "byenv")
    assert run("index").code == 0 and Path("byenv").is_dir()


def test_language_of_the_frame(run, monkeypatch):
    monkeypatch.setenv("ASSISTANT_CAUTION", "1")
    result = run("ask", "--language", "en", "--json", QUESTION)
    assert result.json["language"] == "en" and result.json["text"].startswith("The notes")


def test_question_of_several_words_and_from_stdin(run, monkeypatch, tmp_path):
    assert run("ask", "que", "permettent", "les", "cgroups", "?", "--json").json["question"] == (
        QUESTION
    )
    piped = process(tmp_path, "ask", "-", "--json", stdin=f"{QUESTION}\n".encode())
    assert piped.code == 0 and piped.json["question"] == QUESTION
    odd = process(tmp_path, "ask", "-", "--json", stdin=b"cgroups \xff ?")
    assert odd.code == 0 and odd.json["question"] == "cgroups \ufffd ?"
    for written in (
        codecs.BOM_UTF8 + f"{QUESTION}\r\n".encode(),
        codecs.BOM_UTF16_LE + f"{QUESTION}\r\n".encode("utf-16-le"),
    ):
        for arguments in (["ask", "-"], ["ask"]):
            piped = process(tmp_path, *arguments, "--json", stdin=written)
            assert piped.code == 0 and piped.json["question"] == QUESTION, arguments
    two_lines = process(tmp_path, "ask", "--json", stdin=b"que permettent\r\nles cgroups ?\r\n")
    assert two_lines.json["question"] == "que permettent\nles cgroups ?"


def test_without_question_a_file_is_read_and_nothing_is_an_error(run, tmp_path):
    Path("question.txt").write_text(QUESTION, encoding="utf-8")
    with open("question.txt", "rb") as file:
        asked = process(tmp_path, "ask", "--json", file=file)
    assert asked.code == 0 and asked.json["question"] == QUESTION
    with open(os.devnull, "rb") as nothing:
        assert_one_line(process(tmp_path, "ask", file=nothing), "il manque QUESTION", "--help")
    closed = process(tmp_path, "ask", before="sys.stdin = None")
    assert_one_line(closed, "il manque QUESTION")
    assert_one_line(process(tmp_path, "ask", stdin=b"\r\n"), "question est vide")


def test_piped_output_is_plain(run, tmp_path):
    run("index")
    for command in (["ask", QUESTION], ["search", "x"], ["status"], ["index"]):
        result = process(tmp_path, *command)
        assert result.code == 0 and result.out and result.err == ""
        assert "\x1b" not in result.out and "\r" not in result.out


def test_answer_as_printed(run):
    Path("corpus/docker.md").write_text(NOTE[: NOTE.index("# Les volumes")], encoding="utf-8")
    assert run("ask", QUESTION).out == (
        "Les cgroups permettent de limiter les ressources des processus. [1]\n\n"
        "[1] Le noyau — corpus/docker.md, ligne 3\n"
    )


def test_a_place_is_told_as_its_format_counts():
    citation = Citation(
        1, "a", "A", (), start=0, end=1, line_start=3, line_end=5, page=12, quote="a"
    )
    told = {
        language: [
            citation_place(replace(citation, unit=unit), language)
            for unit in ("page", "slide", "cell", "sheet", "chapter", "line")
        ]
        for language in ("fr", "en")
    }
    assert told == {
        "fr": ["p. 12", "diapo 12", "cellule 12", "feuille 12", "chapitre 12", "lignes 3–5"],
        "en": ["p. 12", "slide 12", "cell 12", "sheet 12", "chapter 12", "lines 3–5"],
    }
    assert citation_place(replace(citation, page=None, line_end=3), "en") == "line 3"
    assert {key: set(texts) for key, texts in FRAMES.items()}.keys() == {"fr", "en"}
    assert FRAMES["fr"].keys() == FRAMES["en"].keys()


def test_a_notebook_is_cited_by_its_cell(run):
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": [f"{text}\n"]}
        for text in ("# Noyau", "Les cgroups permettent de limiter les processus.")
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    Path("corpus/noyau.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    Path("corpus/docker.md").unlink()
    said = run("ask", QUESTION).out
    assert said.endswith("corpus/noyau.ipynb, cellule 2\n"), said
    said = run("ask", QUESTION, "--language", "en").out
    assert said.endswith("corpus/noyau.ipynb, cell 2\n"), said


def test_a_note_cannot_steer_the_terminal(run):
    Path("corpus/docker.md").write_text(
        "# Les \x1b[2Jcgroups\n\nLes cgroups \x1b]0;pris\x07 permettent \x9b31m tout.\n",
        encoding="utf-8",
    )
    for command in ("ask", "search"):
        said = run(command, QUESTION).out
        assert "permettent" in said and not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", said)


def test_json_survives_a_terminal_without_utf8(run, tmp_path):
    environment = {"PYTHONIOENCODING": "ascii"}
    script = "import os; " + "".join(f"os.environ[{k!r}]={v!r}; " for k, v in environment.items())
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(before=script), "ask", QUESTION, "--json"],
        cwd=tmp_path, capture_output=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT), "ASSISTANT_CAUTION": "0", **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    citation = json.loads(done.stdout)["citations"][0]
    assert NOTE[citation["start"] : citation["end"]] == citation["quote"]


# --- with a language model --------------------------------------------------------------

CGROUPS = "Les cgroups permettent de limiter les ressources des processus"
INVENTED = "Les cgroups ont été inventés en 1987"
CALIBRATED = """
from dataclasses import replace
import assistant.assistant as module
retrieve = module.retrieve
module.retrieve = lambda *a, **o: replace(retrieve(*a, **o), is_calibrated=True)
"""


@pytest.fixture
def llm(run, monkeypatch):
    """Name a served model in the environment, and let it be verified with the fake."""
    retrieve = module.retrieve
    monkeypatch.setattr(
        module, "retrieve", lambda *a, **o: replace(retrieve(*a, **o), is_calibrated=True)
    )

    def use(server):
        monkeypatch.setenv("ASSISTANT_LLM_URL", server.url)
        monkeypatch.setenv("ASSISTANT_LLM_MODEL", "petit")

    return use


def test_ask_with_a_language_model(run, llm):
    with scripted.serving(scripted.streams(f"{CGROUPS} [1]. {INVENTED} [1].")) as server:
        llm(server)
        for arguments in ([], ["--llm"]):
            result = run("ask", QUESTION, *arguments)
            assert result.code == 0
            assert result.out == (f"{CGROUPS}. [1]\n\n[1] Le noyau — corpus/docker.md, ligne 3\n")
            assert result.err == "1 phrase(s) du modèle de langue écartée(s), faute de preuve.\n"
        told = run("ask", QUESTION, "--json").json
        assert (told["model"], told["standalone"]) == ("petit", "") and "1 phrase" in told["notice"]
        assert len(server.requests) == 3
        own = run("ask", QUESTION, "--no-llm")
        assert own.code == 0 and own.err == "" and CGROUPS in own.out
        assert len(server.requests) == 3


def test_a_model_that_fails_costs_nothing_but_a_line(run, llm):
    with scripted.serving(scripted.fails(401)) as server:
        llm(server)
        result = run("ask", QUESTION)
        quoted = run("ask", QUESTION, "--no-llm")
    assert result.code == 0 and result.out == quoted.out
    assert result.err.count("\n") == 1 and "ASSISTANT_LLM_KEY" in result.err


def test_sentences_are_printed_as_they_are_verified_into_a_pipe_too(run, llm, tmp_path):
    go_on = threading.Event()

    def script(handler):
        handler.begin()
        handler.say(f"{CGROUPS} [1]. {INVENTED}")
        assert go_on.wait(30)
        handler.say(" [1]. ")
        handler.end()

    with scripted.serving(script) as server:
        llm(server)
        started = subprocess.Popen(
            [sys.executable, "-c", SCRIPT.format(before=CALIBRATED), "ask", QUESTION],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        wanted = f"{CGROUPS}. [1]".encode()
        assert started.stdout.read(len(wanted)) == wanted
        go_on.set()
        rest, told = started.communicate(timeout=30)
    assert rest.decode() == "\n\n[1] Le noyau — corpus/docker.md, ligne 3\n"
    assert "1 phrase(s)" in told.decode() and started.returncode == 0


def test_llm_without_settings_names_them_and_offers_a_local_ollama(run, monkeypatch):
    monkeypatch.setattr(language_model, "OLLAMA_URL", "http://127.0.0.1:9")
    find = language_model.find_local_ollama
    monkeypatch.setattr(language_model, "find_local_ollama", lambda: [])
    assert_one_line(run("ask", "q", "--llm"), "ASSISTANT_LLM_URL", "ASSISTANT_LLM_MODEL")
    with scripted.serving(scripted.streams("Oui.")) as server:
        base = server.url.removesuffix("/v1")
        monkeypatch.setattr(language_model, "OLLAMA_URL", base)
        monkeypatch.setattr(language_model, "find_local_ollama", lambda: find(base))
        assert_one_line(
            run("ask", "q", "--llm"),
            f"ASSISTANT_LLM_URL={server.url} ASSISTANT_LLM_MODEL=mistral:7b\n",
        )
        server.tags = {"models": [{"name": "x; rm -rf ~\n\x1b[2J"}]}
        told = run("ask", "q", "--llm")
        assert_one_line(told, "ASSISTANT_LLM_MODEL='x; rm -rf ~ ")
        assert "\x1b" not in told.err
        assert server.requests == [], "offered, never used"
        assert run("ask", QUESTION).code == 0 and server.requests == []


# --- help -----------------------------------------------------------------------------


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom assistant import cli\nsys.argv = ['assistant', '--help']\n"
        "try:\n    cli.main()\nexcept SystemExit as ended:\n    assert not ended.code\n"
        "heavy = {'numpy', 'torch', 'faiss', 'gradio', 'sentence_transformers', 'transformers', "
        "'sqlite3', 'tokenizers', 'rich', 'langdetect', 'watchfiles', 'httpx', 'readline'}\n"
        "print(sorted(heavy & sys.modules.keys()), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={**os.environ, "PYTHONPATH": ROOT}
    )
    assert done.stderr.decode().strip() == "[]"
    for command in ("index", "ask", "search", "status", "eval", "serve", "watch", "doctor"):
        assert command in done.stdout.decode()


def test_every_command_and_option_is_documented():
    context = click.Context(cli.cli)
    for name in cli.cli.list_commands(context):
        command = cli.cli.get_command(context, name)
        assert command.help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.opts}"


@pytest.mark.parametrize("command", [[], ["ask"], ["index"], ["eval"], ["serve"]])
def test_help_of_each_command_exits_0(run, command):
    for option in ("-h", "--help"):
        result = run(*command, option)
        assert result.code == 0 and "Usage" in result.out


def test_tab_completes_commands_and_options():
    for words, wanted in (("assistant st", "status"), ("assistant ask --no", "--no-refresh")):
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "_ASSISTANT_COMPLETE": "bash_complete",
            "COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")),
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "assistant"], env=environment, capture_output=True, text=True
        )
        assert f"plain,{wanted}\n" in done.stdout and done.stderr == ""
    help_ = click.Context(cli.cli).get_help()
    assert 'eval "$(_ASSISTANT_COMPLETE=bash_source assistant)"' in help_


def test_version(run):
    assert run("--version").out == "assistant 0.1.0\n"


# --- what a user can get wrong ----------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["frobnicate"], ["commande inconnue", "frobnicate"]),
        (["ask"], ["il manque QUESTION"]),
        (["ask", "q", "--jsn"], ["option inconnue : --jsn", "--json"]),
        (["ask", "q", "-k", "0"], ["-k", "de 1 à 100"]),
        (["ask", "q", "-k", "many"], ["-k", "de 1 à 100"]),
        (["ask", "q", "-k"], ["-k", "attend une valeur"]),
        (["ask", "q", "--json=yes"], ["--json", "ne prend pas de valeur"]),
        (["ask", "q", "--language", "français"], ["--language fr"]),
        (["ask", "q", "--language", "xx"], ["« xx »", "--language fr", "--language en"]),
        (["ask", "q", "--since", "hier"], ["« hier »", "--since 2021-02-15"]),
        (["ask", "q", "--course", "x"], ["Aucun cours « x »"]),
        (["search", "q", "--note", "x"], ["Aucune note « x »", "docker.md"]),
        (["index", "extra"], ["argument en trop : extra"]),
        (["serve", "--port", "99999"], ["--port", "de 1 à 65535"]),
        (["eval"], ["il manque DIR"]),
        (["ask", " "], ["question est vide"]),
        (["ask", "x" * 3000], ["2000"]),
        (["ask", "q", "--corpus", "absent"], ["absent", "--corpus"]),
        (["ask", "q", "--corpus", "corpus/docker.md"], ["--corpus"]),
        (["index", "--corpus", "absent"], ["absent", "--corpus"]),
        (["status", "--corpus", "absent"], ["absent", "--corpus"]),
        (["watch", "--corpus", "absent"], ["absent", "--corpus"]),
        (["index", "--rebuild", "--corpus", "absent"], ["absent", "--corpus"]),
        (["index", "--index", "corpus/docker.md"], ["corpus/docker.md", "--index"]),
        (["index", "--index", "corpus/docker.md/sub"], ["corpus/docker.md", "--index"]),
        (["index", "--index", "/proc/nowhere"], ["/proc/nowhere", "--index"]),
    ],
)
def test_mistakes_are_told_in_one_line(run, arguments, words):
    assert_one_line(run(*arguments), *words)


def test_wrong_environment_is_told(run, monkeypatch):
    monkeypatch.setenv("ASSISTANT_CAUTION", "lots")
    assert_one_line(run("ask", "q"), "ASSISTANT_CAUTION")


def test_nothing_is_made_beside_a_missing_corpus(run, tmp_path):
    shutil.rmtree("corpus")
    assert_one_line(run("ask", "q"), "corpus")
    assert list(tmp_path.iterdir()) == []


DAMAGES = {
    "garbage": lambda path: path.write_bytes(os.urandom(9_000)),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 3]),
    "wiped pages": lambda path: path.write_bytes(
        path.read_bytes()[:4096] + bytes(path.stat().st_size - 4096)
    ),
    "other database": lambda path: (path.unlink(), sqlite3.connect(path).executescript(
        "CREATE TABLE t(x)"
    )),
}  # fmt: skip


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_damaged_index_names_the_remedy_and_the_remedy_works(tmp_path, run, damage):
    assert process(tmp_path, "index").code == 0
    DAMAGES[damage](tmp_path / "index" / "index.sqlite")
    for arguments in (["ask", QUESTION], ["index"], ["status"], ["search", "x", "--no-refresh"]):
        result = process(tmp_path, *arguments)
        assert_one_line(result, "abîmé", "assistant index --rebuild")
    assert process(tmp_path, "index", "--rebuild").code == 0
    answer = process(tmp_path, "ask", QUESTION, "--json")
    assert answer.code == 0 and answer.json["citations"][0]["line_start"] == 3
    assert (tmp_path / "corpus" / "docker.md").read_text(encoding="utf-8") == NOTE


def test_empty_index_file_is_filled(run, tmp_path):
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "index.sqlite").touch()
    assert_one_line(run("ask", QUESTION, "--no-refresh"), "assistant index")
    assert run("ask", QUESTION).code == 0


def limit_files():
    """A file may grow to 64 kB and no more; the writes fail as on a full disk."""
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64_000, 64_000))


def mounted(folder, size):
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True
    )
    return done.returncode == 0


def more_notes(folder):
    for n in range(60):
        text = "".join(f"# Titre {i} {n}\n\nLe mot{i}x{n} est un sujet.\n\n" for i in range(9))
        (folder / "corpus" / f"more{n}.md").write_text(text, encoding="utf-8")


def test_a_write_that_fails_keeps_the_old_index(run, tmp_path):
    assert run("index").code == 0
    more_notes(tmp_path)
    result = process(tmp_path, "index", preexec_fn=limit_files)
    assert_one_line(result, "index")
    old = run("ask", QUESTION, "--no-refresh", "--json")
    assert old.code == 0 and old.json["citations"][0]["line_start"] == 3
    assert run("index").code == 0
    assert run("status", "--json").json["notes"] == 61


def test_full_disk_keeps_the_old_index(run, tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    if not mounted(folder, "400k"):
        pytest.skip("no right to mount a small disk here")
    try:
        assert process(tmp_path, "index", "--index", "small").code == 0
        more_notes(tmp_path)
        for _ in range(2):
            result = process(tmp_path, "index", "--index", "small")
            assert_one_line(result, "disque est plein", "assistant index")
        old = process(tmp_path, "ask", QUESTION, "--no-refresh", "--json", "--index", "small")
        assert old.code == 0 and old.json["citations"][0]["line_start"] == 3
        subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True)
        assert process(tmp_path, "index", "--index", "small").code == 0
    finally:
        subprocess.run(["umount", folder], check=True)


def test_index_that_cannot_be_written(run, tmp_path):
    folder = tmp_path / "ro"
    folder.mkdir()
    if not mounted(folder, "4m"):
        pytest.skip("no right to mount a disk here")
    try:
        assert process(tmp_path, "index", "--index", "ro").code == 0
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        Path("corpus/new.md").write_text("# Neuf\n", encoding="utf-8")
        for command in (["index"], ["ask", QUESTION], ["index", "--rebuild"]):
            result = process(tmp_path, *command, "--index", "ro")
            assert_one_line(result, "ro", "--index")
    finally:
        subprocess.run(["umount", folder], check=True)


def test_index_locked_by_another_program(run, monkeypatch):
    run("index")
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **o: connect(path, **{**o, "timeout": 0}))
    other = Store.open(Path("index"))
    Path("corpus/new.md").write_text("# Neuf\n", encoding="utf-8")
    with other.writing():
        assert_one_line(run("index"), "occupé")
    assert run("index").code == 0


def test_interruption(run, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeEmbedder, "encode_passages", interrupt)
    result = run("index")
    assert result.code == 130 and result.out == ""
    assert result.err.strip() == "Interrompu ; l'index reste utilisable."


def test_closed_pipe_is_no_error(run, monkeypatch):
    def broken(*arguments, **options):
        raise BrokenPipeError

    monkeypatch.setattr(click, "echo", broken)
    monkeypatch.setattr(os, "dup2", lambda *pair: None)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(open(os.devnull, "wb")))  # noqa: SIM115
    monkeypatch.setattr(sys, "argv", ["assistant", "status"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0


def test_the_unexpected_is_one_line_too_and_can_be_debugged(run, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError("first line\nsecond line")

    monkeypatch.setattr(FakeEmbedder, "encode_passages", fail)
    result = run("index")
    assert result.code == 2 and result.err.count("\n") == 1
    assert "first line second line" in result.err and "ASSISTANT_DEBUG=1" in result.err
    monkeypatch.setenv("ASSISTANT_DEBUG", "1")
    monkeypatch.setattr(sys, "argv", ["assistant", "index"])
    with pytest.raises(RuntimeError):
        cli.main()


def test_who_wrote_a_note_and_when_stands_beside_what_is_quoted(run, tmp_path):
    matter = "---\nauthor: Jeanne Martin\u202e\ndate: 2024-03-12\n---\n"
    (tmp_path / "corpus" / "docker.md").write_text(matter + NOTE, encoding="utf-8")
    result = run("ask", QUESTION, "--json")
    for found in (result.json["citations"][0], result.json["hits"][0]):
        assert found["author"].startswith("Jeanne Martin")
        assert found["date"] == "2024-03-12"
    for command in ("ask", "search"):
        assert " — Jeanne Martin, 12 mars 2024\n" in run(command, QUESTION).out

"""The doctor: every damage is named, and what can be mended is mended."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from assistant import diagnosis
from assistant.diagnosis import diagnose, mend
from assistant.embedding.weights_file import EMBEDDED
from assistant.errors import ModelError
from assistant.index.vectors import base_path


@pytest.fixture
def free_port():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


@pytest.fixture
def healthy(course, free_port, tmp_path, monkeypatch):
    """An indexed course, with a small file in place of the model's."""
    model = tmp_path / "model.bin"
    model.write_bytes(b"weights")
    monkeypatch.setattr(diagnosis, "find_package_file", lambda: model)
    digest = hashlib.sha256(b"weights").hexdigest()
    monkeypatch.setattr(diagnosis, "EMBEDDED", replace(EMBEDDED, sha256=digest))
    course.port, course.model = free_port, model
    course.fill(20)
    course.refresh()
    course.close()
    return course


def problems(course):
    return {f.name: f for f in diagnose(course.assistant, course.port) if not f.ok}


def test_nothing_is_wrong_with_a_sound_index(healthy):
    before = healthy.dump()
    findings = diagnose(healthy.assistant, healthy.port)
    assert [f.name for f in findings if f.name != "Options"] == [
        "Notes", "Index", "Fraîcheur", "Fichier de vecteurs", "Vecteurs", "Place perdue", "Modèle",
        "Disque", "Port",
    ]  # fmt: skip
    assert not problems(healthy)
    assert all(finding.detail and "\n" not in finding.detail for finding in findings)
    assert healthy.dump() == before
    assert mend(healthy.assistant, healthy.port)[1] == []


def execute(course, *statements):
    store = course.store()
    for statement, *values in statements:
        store.connection.execute(statement, *values)
    store.close()


def damage_vectors(course):
    path = base_path(course.index, 1)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


DAMAGES = {
    "no index": ("Index", lambda c: shutil.rmtree(c.index)),
    "garbage": ("Index", lambda c: (c.index / "index.sqlite").write_bytes(b"garbage" * 900)),
    "chunk without note": ("Index", lambda c: execute(c, ("DELETE FROM notes WHERE id = 3",))),
    "chunk without terms": ("Index", lambda c: execute(c, ("DELETE FROM terms WHERE rowid = 3",))),
    "terms without chunk": ("Index", lambda c: execute(c, ("DELETE FROM chunks WHERE id = 3",))),
    "no vector": ("Index", lambda c: execute(c, ("DELETE FROM embeddings WHERE rowid = 3",))),
    "edited note": ("Fraîcheur", lambda c: c.write("note003.md", "# Autre\n\nUn texte.\n")),
    "no vector file": ("Fichier de vecteurs", lambda c: base_path(c.index, 1).unlink()),
    "a bit of the vector file": ("Fichier de vecteurs", damage_vectors),
    "long vector": (
        "Vecteurs",
        lambda c: execute(
            c, ("UPDATE embeddings SET vector = ?", (np.full(64, 2, np.float32).tobytes(),))
        ),
    ),
    "old index": ("Place perdue", lambda c: (c.index / "index.sqlite.old").write_bytes(b"x")),
    "leftover": ("Place perdue", lambda c: (c.index / "vectors-9.77.tmp").write_bytes(b"x")),
    "other model's vectors": (
        "Place perdue",
        lambda c: execute(
            c, ("INSERT INTO embeddings SELECT passage, 'old', zeroblob(400000), tokens "
                "FROM embeddings LIMIT 10",)
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_each_damage_is_named_and_mended(healthy, damage):
    name, do = DAMAGES[damage]
    do(healthy)
    found = problems(healthy)
    assert name in found and found[name].mend and found[name].fix
    findings, mended = mend(healthy.assistant, healthy.port)
    assert name in mended and all(finding.ok for finding in findings), findings
    assert healthy.dump() == healthy.fresh_dump()


@pytest.mark.parametrize("damage", ["rebuild", "refresh"])
def test_a_long_mend_tells_its_progress(healthy, damage):
    stages = {
        "rebuild": {"lecture", "vectorisation", "écriture"},
        "refresh": {"lecture", "écriture"},
    }[damage]
    if damage == "rebuild":
        (healthy.index / "index.sqlite").write_bytes(b"no database at all" * 100)
    else:
        healthy.write("neuf.md", "# Neuf\n\nUne note neuve.\n")
    told = []
    findings, _ = mend(healthy.assistant, healthy.port, lambda stage, *_: told.append(stage))
    assert all(finding.ok for finding in findings) and stages <= set(told)


def test_space_is_given_back(healthy):
    execute(
        healthy,
        ("INSERT INTO embeddings SELECT passage, 'old', zeroblob(400000), tokens FROM embeddings "
         "LIMIT 10",),
    )  # fmt: skip
    before = (healthy.index / "index.sqlite").stat().st_size
    mend(healthy.assistant, healthy.port)
    healthy.close()
    assert (healthy.index / "index.sqlite").stat().st_size < before - 3_000_000


def test_the_model_file(healthy, monkeypatch):
    healthy.model.write_bytes(b"weightz")
    assert "attendu" in problems(healthy)["Modèle"].detail

    def missing():
        raise ModelError("Le modèle embarqué n'est pas installé")

    monkeypatch.setattr(diagnosis, "find_package_file", missing)
    monkeypatch.setattr(diagnosis, "is_onnx_converted", lambda cache: False)
    assert "pip install" in problems(healthy)["Modèle"].mend
    monkeypatch.setattr(diagnosis, "is_onnx_converted", lambda cache: True)
    assert not problems(healthy)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "onnxruntime" in problems(healthy)["Modèle"].detail


def test_the_port(healthy):
    with socket.socket() as other:
        other.bind(("127.0.0.1", healthy.port))
        other.listen()
        other.settimeout(0)
        found = problems(healthy)
    assert f"--port {healthy.port + 1}" in found["Port"].mend


def test_the_port_of_our_own_chat_is_no_problem(healthy):
    class Alive(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"status": "ok"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", healthy.port), Alive)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        assert not problems(healthy)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_little_room(healthy, monkeypatch):
    usage = shutil.disk_usage(healthy.index)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=1_000_000))
    assert "libérez" in problems(healthy)["Disque"].mend


def test_missing_notes_are_told_and_cost_nothing(healthy):
    before = healthy.dump()
    healthy.corpus.rename(healthy.root / "away")
    findings, mended = mend(healthy.assistant, healthy.port)
    assert [finding.name for finding in findings if not finding.ok] == ["Notes"]
    assert not mended and healthy.dump() == before

"""The whole journey with sockets blocked: nothing ever needs, or tries, a network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Every way out of the process; a try is an error even where the caller would hide it.
BLOCK = """
import sys
tried = []
def audit(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto",
                 "socket.bind", "urllib.Request", "http.client.connect"):
        address = arguments[-1] if event == "socket.connect" else None
        if isinstance(address, (str, bytes)):
            return  # a socket of this machine's file system
        tried.append((event, repr(arguments)))
        raise OSError(101, f"the network is blocked: {event}")
sys.addaudithook(audit)
"""
JOURNEY = """
import contextlib, io, json
from assistant import cli
{setup}
def run(*arguments):
    sys.argv = ["assistant", *arguments]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            cli.main()
        except SystemExit as ended:
            return ended.code, out.getvalue()
for command in (["index"], ["status"], ["index", "--check"]):
    assert run(*command)[0] == 0, command
code, out = run("ask", "à quoi servent les cgroups ?", "--json")
answer = json.loads(out)
assert code == 0 and "cgroups" in answer["citations"][0]["quote"], out
assert run("search", "volumes")[0] == 0
assert not tried, tried
print("whole journey")
"""
FAKE = """
from assistant.assistant import Assistant
from assistant.embedding.fake import FakeEmbedder
cli._open = lambda settings: Assistant.open(settings, embedder=FakeEmbedder())
"""


def journey(index: Path, setup: str, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCK + JOURNEY.format(setup=setup)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "ASSISTANT_CORPUS": str(ROOT / "corpus"),
             "ASSISTANT_INDEX": str(index), **environment},
        capture_output=True, text=True, timeout=240, cwd=index.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("whole journey")


def test_whole_journey_without_network(tmp_path):
    journey(tmp_path / "index", FAKE, ASSISTANT_CAUTION="0")


@pytest.mark.slow
def test_whole_journey_without_network_with_the_real_model(tmp_path, embedder):
    journey(tmp_path / "index", "")


def test_the_block_blocks():
    code = BLOCK + "import socket\nsocket.create_connection(('127.0.0.1', 9))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode != 0 and "the network is blocked" in done.stderr

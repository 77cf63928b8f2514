"""Conversion is whole or absent, whatever happens to the process or to the files."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from assistant.embedding.conversion import converted_folder, is_converted
from assistant.embedding.derived_folder import is_sound
from assistant.errors import ModelError

# Converts argv[1] (size argv[2], sha256 argv[3]) into argv[4]; prints a line at each step
# of progress, and with argv[5] == "stop" waits there for ever.
CONVERT = """
import sys, time
from pathlib import Path
from assistant.embedding.conversion import converted_folder
from assistant.embedding.weights_file import WeightsSource
path, size, digest, cache, mode = sys.argv[1:]
def progress(done, total):
    print("step", done, flush=True)
    time.sleep(600 if mode == "stop" else 0.02)
source = WeightsSource("tiny", lambda: Path(path), int(size), digest)
print(converted_folder(Path(cache), progress, source=source), flush=True)
"""


def convert_elsewhere(tiny, cache, mode="go"):
    arguments = [str(tiny.path), str(tiny.source.size), tiny.source.sha256, str(cache), mode]
    return subprocess.Popen(
        [sys.executable, "-c", CONVERT, *arguments], stdout=subprocess.PIPE, text=True
    )


def assert_whole(folder, tiny):
    """Every tensor can be read by the safetensors library and is the one of the file."""
    from safetensors.numpy import load_file

    tensors = load_file(folder / "model.safetensors")
    names = {
        "embeddings.word_embeddings.weight": "emb.word",
        "embeddings.LayerNorm.bias": "emb.ln.b",
        "encoder.layer.0.attention.self.key.weight": "l0.k.w",
        "encoder.layer.0.attention.output.LayerNorm.weight": "l0.aln.w",
        "encoder.layer.0.intermediate.dense.weight": "l0.fi.w",
        "encoder.layer.0.output.dense.weight": "l0.fo.w",
    }
    for name, source in names.items():
        np.testing.assert_array_equal(tensors[name], tiny.tensors[source])
    assert len(tensors) == len(tiny.tensors) + 2  # the pooler, which the file lacks
    assert is_sound(folder)
    leftovers = [path.name for path in folder.parent.iterdir()]
    assert sorted(leftovers) in ([folder.name], [folder.name, folder.name + ".lock"])


def test_converts_once(tiny, tmp_path):
    steps = []
    cache = tmp_path / "cache"
    assert not is_converted(cache, source=tiny.source)
    folder = converted_folder(cache, lambda *step: steps.append(step), source=tiny.source)
    assert_whole(folder, tiny)
    assert steps[-1][0] == steps[-1][1] > 0 and steps == sorted(steps)
    tiny.path.unlink()  # the source is not needed again
    again: list[object] = []
    assert converted_folder(cache, lambda *step: again.append(step), source=tiny.source) == folder
    assert again == []


@pytest.mark.parametrize(
    "damage", ["cut", "flipped", "file missing", "no manifest", "broken manifest", "odd manifest"]
)
def test_damaged_folder_is_converted_again(tiny, tmp_path, damage):
    folder = converted_folder(tmp_path / "cache", source=tiny.source)
    model, manifest = folder / "model.safetensors", folder / "MANIFEST"
    if damage == "cut":
        modified = model.stat().st_mtime_ns
        os.truncate(model, 1000)
        os.utime(model, ns=(modified, modified))  # so that only the size tells
    elif damage == "flipped":
        with model.open("rb+") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"\x7f")
        os.utime(model, ns=(1, 1))
    elif damage == "file missing":
        (folder / "1_Pooling" / "config.json").unlink()
    elif damage == "no manifest":
        manifest.unlink()
    elif damage == "broken manifest":
        manifest.write_text('{"files": {"mod', encoding="utf-8")
    else:
        manifest.write_text("[]", encoding="utf-8")
    assert not is_sound(folder)
    assert converted_folder(tmp_path / "cache", source=tiny.source) == folder
    assert_whole(folder, tiny)


def test_a_folder_of_an_earlier_version_is_read_as_it_is(tiny, tmp_path):
    folder = converted_folder(tmp_path, source=tiny.source)
    assert folder == tmp_path / "models" / f"tiny-{tiny.source.sha256[:12]}-1"
    files = json.loads((folder / "MANIFEST").read_text(encoding="utf-8"))["files"]
    assert files["1_Pooling/config.json"].keys() == {"size", "modified", "sha256"}
    content = (folder / "model.safetensors").read_bytes()
    assert files["model.safetensors"]["sha256"] == hashlib.sha256(content).hexdigest()


def test_copied_folder_is_hashed_once_and_kept(tiny, tmp_path):
    folder = converted_folder(tmp_path / "cache", source=tiny.source)
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, copy_function=shutil.copyfile)
    before = json.loads((copy / "MANIFEST").read_text())
    assert is_sound(copy)
    after = json.loads((copy / "MANIFEST").read_text())
    modified = (copy / "model.safetensors").stat().st_mtime_ns
    assert after["files"]["model.safetensors"]["modified"] == modified
    assert before["files"]["model.safetensors"]["modified"] != modified


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_killed_conversion_leaves_nothing_taken_for_good(tiny, tmp_path):
    cache = tmp_path / "cache"
    process = convert_elsewhere(tiny, cache, "stop")
    assert process.stdout.readline().startswith("step")
    assert list((cache / "models").glob("*.partial"))
    process.kill()
    process.communicate()
    assert not is_converted(cache, source=tiny.source)
    assert_whole(converted_folder(cache, source=tiny.source), tiny)


def test_two_processes_convert_at_once_and_one_works(tiny, tmp_path):
    cache = tmp_path / "cache"
    processes = [convert_elsewhere(tiny, cache) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert outputs[0][-1] == outputs[1][-1]
    assert sorted(len(lines) > 1 for lines in outputs) == [False, True]
    assert_whole(converted_folder(cache, source=tiny.source), tiny)


def test_threads_convert_once(tiny, tmp_path):
    steps: list[int] = []
    threads = [
        threading.Thread(
            target=converted_folder,
            args=(tmp_path / "cache", lambda done, total: steps.append(done)),
            kwargs={"source": tiny.source},
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert steps == sorted(set(steps))


def test_interrupted_conversion_cleans_up(tiny, tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        converted_folder(tmp_path / "cache", interrupt, source=tiny.source)
    assert not list((tmp_path / "cache" / "models").glob("*.partial"))


def test_cache_that_cannot_be_written_names_the_setting(tiny, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(ModelError, match=r"qu'il y reste 500 Mo, .* ASSISTANT_CACHE") as caught:
        converted_folder(blocked, source=tiny.source)
    assert str(blocked / "models") in str(caught.value) and "\n" not in str(caught.value)

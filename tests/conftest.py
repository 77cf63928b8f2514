"""Fixtures shared by all tests: the fake embedder, and the real one for slow tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from small_course import CountingEmbedder, Course

from assistant.embedding.fake import FakeEmbedder
from assistant.embedding.loading import load_embedder
from assistant.embedding.protocol import Embedder
from assistant.embedding.weights_file import find_package_file
from assistant.errors import ModelError

# A busy machine is no failure: what must be quick is measured in benchmarks/.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture
def fake_embedder() -> FakeEmbedder:
    """A pure function of the text, without a model."""
    return FakeEmbedder()


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The embedded model, converted once a machine in the user's cache; slow tests only."""
    try:
        find_package_file()
    except ModelError as error:
        pytest.skip(str(error))
    return load_embedder()


@pytest.fixture
def counting() -> CountingEmbedder:
    """The fake, which remembers every passage it was asked to embed."""
    return CountingEmbedder()


@pytest.fixture
def course(tmp_path: Path, counting: CountingEmbedder) -> Course:
    """A course without notes, with a counting fake embedder."""
    return Course(tmp_path, counting)

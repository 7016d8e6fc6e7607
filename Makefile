# The two commands a stranger needs are `make demo` and `make test`. `make help` lists the rest.

DIR ?= demo
TESTS ?= tests
# The locks are made for Python 3.11; a later one is tried when there is no 3.11.
PYTHON ?= $(shell for p in python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile --require-hashes
COMPILE := PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND="make lock" env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL \
	$(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --generate-hashes \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.PHONY: help demo test long mutants lint format glossary breaches facts wheel tools lock picture clean
.DELETE_ON_ERROR:

help:
	@echo "make demo      play a council's year, enter four more municipalities, and serve them on this machine (DIR=demo)"
	@echo "make test      every test that this machine can run (TESTS=tests/test_log.py for some)"
	@echo "make tools     the outside validators, from Debian; needs root"
	@echo "make lint      format, lint, types and the arrows between the rooms"
	@echo "make long      all of it with many more random cases, for the commit at hand"
	@echo "make mutants   change signing/ in one place at a time, and see that a test notices"
	@echo "make glossary  make the glossary's tables anew from the code"
	@echo "make breaches  make the handbook's list of what is refused, found and listed anew"
	@echo "make facts     make the page of facts and their tests anew from the tests"
	@echo "make wheel     the application as one file in dist/"
	@echo "make lock      make the locks anew"
	@echo "make picture   make the README's picture anew, from a demo"
	@echo "make clean     remove .venv and what was built"

# What runs, and this tree as the command `liggare`.
.venv/.run: requirements/run.txt requirements/build.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 is needed; on Debian: apt-get install python3.11 python3.11-venv"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make environments here; on Debian: apt-get install python3.11-venv"; exit 1; }
	@echo "Installing into .venv what is locked in requirements/ ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) -r requirements/run.txt -r requirements/build.txt
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.run requirements/dev.txt
	@echo "Installing into .venv what testing needs ..."
	@$(PIP) -r requirements/dev.txt
	@touch $@

demo: .venv/.run
	@if [ -e "$(DIR)" ]; then \
		echo "$(DIR)/ is there already and is left alone."; \
		echo "Another one beside it:  make demo DIR=$(DIR)-2"; \
		echo "This one anew:          rm -r $(DIR) && make demo DIR=$(DIR)"; \
		exit 2; fi
	@echo "Playing a year and entering what four documents tell; \`liggare\` below is $(BIN)/liggare."
	@$(BIN)/liggare demo --dir "$(DIR)"

# On every core, file by file, so that what a file's tests share is made once.
test: .venv/.dev
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(TESTS)

lint: .venv/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: .venv/.dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

glossary: .venv/.dev
	@$(BIN)/python -m tests.glossary

breaches: .venv/.dev
	@$(BIN)/python -m tests.breaches

facts: .venv/.dev
	@$(BIN)/python -m tests.facts

# Nothing may be skipped here, and random tests run many times as long.
long: lint
	@LIGGARE_ALL_TOOLS=1 HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --cov --cov-report=term tests
	@$(MAKE) --no-print-directory mutants
	@git diff --quiet HEAD -- && state="as committed" || state="with changes not committed"; \
		echo "All of it held for commit $$(git rev-parse HEAD), $$state."

# A change may make a loop that never ends or that eats all memory: each has its bounds.
mutants: .venv/.dev
	@ulimit -v 8000000; HYPOTHESIS_PROFILE=mutants $(BIN)/mutmut run
	@$(BIN)/python -m tests.mutants

wheel: .venv/.run
	@$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

tools:
	apt-get install --yes --no-install-recommends $$(grep -v '^#' requirements/debian.txt)

lock: .venv/.dev
	$(COMPILE) $(LOCK) --output-file requirements/run.txt pyproject.toml
	$(COMPILE) $(LOCK) --output-file requirements/build.txt requirements/build.in
	$(COMPILE) $(LOCK) --output-file requirements/dev.txt pyproject.toml requirements/build.in requirements/dev.in

picture: .venv/.dev
	@$(BIN)/python docs/picture.py docs/picture.png

clean:
	rm -rf .venv dist build mutants

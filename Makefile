# Everything a developer does here. `make run` and `make test` need only Python 3.11 or newer and make.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

PY := .venv/bin/python
WORKERS ?= 2
ARGS ?=

# The first Python that is new enough; the system's own comes first.
FIND_PYTHON = for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$python; break; fi; done

##@ Use
.PHONY: run
run: .venv/.runtime ui ## install everything and start a demonstration (ARGS="--port 8080")
	@.venv/bin/dutydesk demo $(ARGS)

##@ Develop
.PHONY: test
test: .venv/.dev ui browser .state/twilio_api_v2010.json ## install everything and pass all tests (ARGS="-k ladder", WORKERS=2)
	@.venv/bin/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: test-fast
test-fast: .venv/.dev ## the pure decisions only: every test_rules.py, in seconds
	@.venv/bin/pytest $$(find tests -name test_rules.py) $(ARGS)

.PHONY: check
check: .venv/.dev ## lint, format, types, who imports whom, migrations against models
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo
	$(PY) tools/migrations.py

.PHONY: format
format: .venv/.dev ## put the code into shape
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

.PHONY: new-migration
new-migration: .venv/.dev ## write a migration for what changed in the models (NAME="add units")
	@test -n "$(NAME)" || { echo 'dutydesk: say what it does: make new-migration NAME="add units"' >&2; exit 1; }
	$(PY) tools/migrations.py "$(NAME)"

.PHONY: catalogue
catalogue: .venv/.dev ## bring the English catalogue up to date with the pages' texts
	@$(PY) tools/catalogue.py $(ARGS)

.PHONY: look
look: .venv/.dev ui browser ## take pictures of the demonstration's pages into look/
	@$(PY) tools/look.py $(ARGS)

##@ Parts
.PHONY: ui
ui: .venv/.runtime ## bundle the pages' parts, if they changed
	@$(PY) hatch_build.py

.PHONY: browser
browser: .venv/.dev ## find or get a Chromium for the browser tests
	@$(PY) tools/browser.py

.PHONY: lock
lock: ## write the locks anew (UPGRADE=1 for the newest of everything, UPGRADE=name for one)
	@python="$$($(FIND_PYTHON))"; UPGRADE="$(UPGRADE)" "$${python:-python3}" tools/lock.py

.PHONY: clean
clean: ## remove everything that make made
	rm -rf .venv .state look build dist ui/node_modules dutydesk/web/static/vendor
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ----------------------------------------------------------------------------------------------------------------------
# The environment. The files .runtime and .dev in it say which locks it was made from.

.venv/bin/python:
	@python="$$($(FIND_PYTHON))"; \
	if [ -z "$$python" ]; then echo "dutydesk needs Python 3.11 or newer, and none was found." >&2; exit 1; fi; \
	echo "Making .venv with $$($$python --version)…"; $$python tools/environment.py

PIP = $(PY) -m pip --disable-pip-version-check
OURSELVES = DUTYDESK_SKIP_UI=1 $(PIP) install --quiet --no-deps --no-build-isolation --editable .

.venv/.runtime: requirements.lock.txt pyproject.toml | .venv/bin/python
	@echo "Installing what the program needs…"
	@$(PIP) install --quiet --require-hashes -r requirements.lock.txt
	@$(OURSELVES)
	@touch $@

# What the tests need contains what the program needs, in the same versions.
.venv/.dev: requirements-dev.lock.txt requirements.lock.txt pyproject.toml | .venv/bin/python
	@echo "Installing what the program and its tests need…"
	@$(PIP) install --quiet --require-hashes -r requirements-dev.lock.txt
	@$(OURSELVES)
	@touch .venv/.runtime $@

.state/twilio_api_v2010.json: | .venv/.dev
	@$(PY) tools/fetch_openapi.py

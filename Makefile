# Mon compte. "make" lists what can be done.
PYTHON ?= python3
BIN := .venv/bin
SERVER_PACKAGES := python3 python3-venv slapd ldap-utils slapd-contrib libcairo2 fonts-open-sans fonts-dejavu-core
TEST_PACKAGES := chromium libatomic1 logrotate poppler-utils redis-tools systemd zsh
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL := help
.PHONY: help demo setup test check setup-test lock

help:  ## list what can be done
	@sed -n 's/^\([a-z-]*\):.*  ## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do printf '  make %-8s %s\n' "$$name" "$$what"; done

demo: setup  ## try everything: a private slapd with sample students, a mailbox, the portal; Ctrl-C stops it
	@$(BIN)/moncompte demo

setup: .venv/ready  ## install what running needs: slapd, and a virtual environment in .venv
	@:

test: setup-test check  ## run everything; installs what is missing
	@$(BIN)/python -m pytest

check: setup-test  ## style, types, floors
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest --quiet tests/test_floors.py

setup-test: .venv/ready-test

lock:  ## lock the newest versions of what pyproject.toml asks for, with hashes, naming no registry
	@$(PYTHON) -m venv .venv/lock && .venv/lock/bin/pip install --quiet uv
	@.venv/lock/bin/uv $(LOCK) --group build --output-file requirements.txt
	@.venv/lock/bin/uv $(LOCK) --group build --group dev --constraint requirements.txt --output-file requirements-dev.txt
LOCK := pip compile --quiet --upgrade --universal --generate-hashes --no-header --no-annotate pyproject.toml

.venv/ready: pyproject.toml requirements.txt
	@.ci/system $(SERVER_PACKAGES)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Mon compte needs Python 3.11 or later; give its command as PYTHON=…")'
	@$(PYTHON) -m venv .venv
	@$(INSTALL) --require-hashes -r requirements.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/ready-test: pyproject.toml requirements.txt requirements-dev.txt
	@.ci/system $(SERVER_PACKAGES) $(TEST_PACKAGES)
	@$(MAKE) --no-print-directory .venv/ready
	@$(INSTALL) --require-hashes -r requirements-dev.txt
	@touch $@

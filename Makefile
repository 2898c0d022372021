# The two commands from the README, and the checks behind them.
.PHONY: run test check demo lint types imports pytest css docs lock bench clean help format

# Every process that the tests start would compile the whole tree again.
unexport PYTHONDONTWRITEBYTECODE

PY := .venv/bin/python
WORKERS ?= 3
SCRIPTS := frontend/scripts "frontend/*.mjs" tests/frontend mydia/web/static/sw.js

help:
	@echo "make run    start Mydia on http://localhost:$${PORT:-4000}, data under $${DATA_DIR:-./data}"
	@echo "make demo   start Mydia with a generated library, stand-ins for outside services and, if installed, a real qBittorrent"
	@echo "make test   install what the tests need and run all checks"

run:
	@scripts/environment requirements.lock
	@exec $(PY) -m mydia serve

demo:
	@scripts/environment requirements-dev.lock
	@exec $(PY) -m tests.demo

test:
	@scripts/test-packages
	@scripts/environment requirements-dev.lock
	@$(MAKE) --no-print-directory check

check: lint types imports pytest

lint:
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) scripts/format_templates.py --check
	.venv/bin/djlint --lint --quiet mydia/web/templates
	@[ ! -x node_modules/.bin/prettier ] || node_modules/.bin/prettier --check $(SCRIPTS)

types:
	$(PY) -m mypy

imports:
	.venv/bin/lint-imports --no-cache

# Browsers and real services can be slow on a busy machine, so failed tests run a second time on their own and must pass then.
pytest:
	$(PY) -m pytest -n $(WORKERS) --dist loadgroup || $(PY) -m pytest --last-failed --last-failed-no-failures none

css:
	frontend/build.sh

format:
	$(PY) -m ruff format .
	$(PY) scripts/format_templates.py
	[ ! -x node_modules/.bin/prettier ] || node_modules/.bin/prettier --write $(SCRIPTS)

# The lock files hold hashes but no download addresses.
lock:
	.venv/bin/uv pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml -o requirements.lock
	.venv/bin/uv pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --group dev -o requirements-dev.lock

docs:
	$(PY) scripts/make_docs.py

bench:
	@scripts/environment requirements-dev.lock
	$(PY) -m benchmarks

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

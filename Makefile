# `make run` and `make test` set everything up in .venv; nothing else to install or start.
PYTHON ?= python3
VENV := .venv
# The versions that are tried together; `make test CONSTRAINTS=` takes the newest ones instead.
CONSTRAINTS := constraints.txt
BIN := $(VENV)/bin
INSTALL = PIP_CONSTRAINT=$(CONSTRAINTS) $(BIN)/python -m pip install --quiet --disable-pip-version-check
CHROMIUM ?= chromium
READY := $(VENV)/.ready
LARGE := $(VENV)/.large
SITE := $(VENV)/.site
PARALLEL := -n logical --dist loadgroup
SOURCES := framework plugins tests docs/example-plugin docs/site
PROSE := framework plugins configs tests docs README.md CITATION.cff Makefile pyproject.toml .ci .github

# Tests start hundreds of processes: each would compile all of gradmix, and each worker all tests, again.
unexport PYTHONDONTWRITEBYTECODE
# There is a worker for each core: more threads would only wait for each other.
test test-oldest fast peers: export OMP_NUM_THREADS = 1
test test-oldest fast peers: export OPENBLAS_NUM_THREADS = 1

.PHONY: run test fast hooks test-oldest lint types imports peers docs reference lecture capabilities record changelog release benchmark clean

run: $(READY)
	$(BIN)/gradmix run

# More arguments for pytest: make test PYTEST="--cov --cov-report=term:skip-covered"
test: $(READY)
	$(BIN)/python -m pytest $(PARALLEL) $(PYTEST)

# The inner loop, a minute or two: all that is quick, starts no process (nor compiler, nor browser) and opens no MLflow store.
fast: $(READY)
	$(BIN)/python -m pytest -n logical --dist worksteal -m "not slow and not processes" $(PYTEST)

# All tests but those of peers and Ray, with the oldest versions that pyproject.toml admits, in an environment of its own.
OLDEST := $(VENV)-oldest
test-oldest: $(OLDEST)/.ready
	$(OLDEST)/bin/python -m pytest $(PARALLEL) --ignore tests/plugins/gradmix_peers $(PYTEST)

# Runs the checks of CI that are quick before each commit, and mypy before each push.
hooks: $(READY)
	@$(INSTALL) pre-commit
	$(BIN)/pre-commit install --hook-type pre-commit --hook-type pre-push

lint: $(READY)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/codespell $(PROSE)

types: $(READY)
	$(BIN)/mypy framework/gradmix framework/hydra_plugins $(wildcard plugins/gradmix_*)

imports: $(READY)
	$(BIN)/python -m pytest tests/test_import_direction.py

# PyTorch and TensorFlow are too large to be installed for `make test`, which leaves their tests out.
peers: $(LARGE)
	$(BIN)/python -m pytest $(PARALLEL) tests/plugins/gradmix_peers tests/framework/testing/test_built_in_components.py -k 'torch or tensorflow'

docs: reference $(SITE)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "Written to runs/site: open runs/site/index.html"

reference: $(READY)
	$(BIN)/python -m gradmix.authoring.reference > docs/.reference.md
	mv docs/.reference.md docs/reference.md

# Every experiment of the lecture, some minutes, and the gallery of their pages: runs/gallery/index.html.
TOPICS := $(patsubst configs/experiment/%.yaml,%,$(sort $(wildcard configs/experiment/lecture/*.yaml)))
COMMA := ,
EMPTY :=
lecture: $(READY)
	$(BIN)/gradmix run -m experiment=$(subst $(EMPTY) $(EMPTY),$(COMMA),$(TOPICS)) pictures=true
	$(BIN)/python -m gradmix_lecture.gallery runs runs/gallery

# Some minutes: every function of the tests' tables by every plugin.
capabilities: $(READY)
	$(BIN)/python -m tests.capabilities > docs/.capabilities.md
	mv docs/.capabilities.md docs/capabilities.md

record: $(READY)
	$(BIN)/python -m tests.recorded_results

# Moves docs/changes into the changelog, under the version that comes next.
NEXT = $(shell sed -n 's/^fallback-version = "\(.*\)\.dev0"$$/\1/p' pyproject.toml)
changelog: $(READY)
	$(BIN)/towncrier build --yes --version $(NEXT)

# Builds what is published, installs the wheel into an empty environment and tries it in an empty folder.
release: $(READY)
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	WHEEL=$$(echo $(CURDIR)/dist/*.whl) $(BIN)/python -m pytest tests/test_wheel.py
	@echo "Built and tried:" dist/*

# The picture in the README: the comparison page of a ready-made sweep, as Chromium shows it.
docs/comparison.png: $(READY) $(wildcard framework/gradmix/reports/page/*)
	rm -rf .picture && mkdir .picture
	$(BIN)/gradmix run experiment=covariances seed=0 tracking=none pictures=false runs_dir=.picture/runs
	$(BIN)/gradmix compare --runs-dir .picture/runs --html .picture/page.html
	$(CHROMIUM) --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir=.picture/profile --virtual-time-budget=8000 \
		--window-size=1366,1510 --screenshot=$@ file://$(CURDIR)/.picture/page.html
	rm -rf .picture

# What `gradmix run` draws, which the README shows.
docs/old_faithful.png: $(READY) plugins/gradmix_tasks/cluster.py
	rm -rf .picture && mkdir .picture
	$(BIN)/gradmix run tracking=none runs_dir=.picture/runs
	cp .picture/runs/cluster/*/artifacts/fit.png $@
	rm -rf .picture

# Pictures of the lecture, which its page shows.
docs/lecture-%.svg: $(READY) configs/experiment/lecture/%.yaml
	rm -rf .picture && mkdir .picture
	$(BIN)/gradmix run experiment=lecture/$* tracking=none runs_dir=.picture/runs
	cp .picture/runs/lecture/*/artifacts/picture.svg $@
	rm -rf .picture

benchmark: $(LARGE)
	$(BIN)/python -m tests.benchmarks.sweep_overhead
	$(BIN)/python -m tests.benchmarks.joblib_speedup
	$(BIN)/python -m tests.benchmarks.reading_speed
	$(BIN)/python -m tests.benchmarks.peers
	$(BIN)/python -m tests.benchmarks.gradient_cost
	$(BIN)/python -m tests.benchmarks.em_iteration
	$(BIN)/python -m tests.benchmarks.covariance_types
	$(BIN)/python -m tests.benchmarks.single_precision
	$(BIN)/python -m tests.benchmarks.kmeans_peers

$(READY): pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "gradmix needs Python 3.11 or newer; this is Python " + sys.version.split()[0] + ". Name one: make PYTHON=python3.11")'
	@echo "Setting up $(VENV) (once; a minute or two)"
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --editable '.[test]'
	@touch $@

$(LARGE): $(READY)
	@echo "Installing PyTorch and TensorFlow (once; some minutes)"
	@$(INSTALL) --editable '.[test,tensorflow,torch]'
	@touch $@

$(OLDEST)/.ready: pyproject.toml $(READY)
	@echo "Setting up $(OLDEST) (once; a minute or two)"
	@$(INSTALL) uv
	@$(BIN)/uv venv --quiet --clear --seed --python $(BIN)/python $(OLDEST)
	@$(BIN)/uv pip install --quiet --python $(OLDEST)/bin/python --resolution lowest-direct --editable '.[check,optuna,slurm,sympy]' --group oldest
	@touch $@

$(SITE): $(READY)
	@$(INSTALL) --editable '.[docs]'
	@touch $@

clean:
	rm -rf $(VENV) $(OLDEST) dist runs/site .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis

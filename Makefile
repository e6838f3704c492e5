# make demo    the main job on an embedded scene, or on yours: make demo SCENE=/path/scene.tif [MODEL=name] [OUT=folder]
# make test    the tests
# make coverage  the tests, and the lines that they run
# make check   formatting, lint, types and tests
# make plugin  the QGIS plugin as a zip in dist/, for 'Install from ZIP'; RELEASE=1 insists on the values of release.cfg
# make dist    wheel and sdist in dist/, checked, and the demo from a bare environment; RELEASE=1 insists on release.cfg
# make docs    the site of docs/ in build/site, built without a network
# make figures the pictures of docs/, drawn from procedural scenes (minutes; after a change of the shipped models)
# make viewer  the map of reports, bundled for the package (needs npm, and a registry to fetch OpenLayers from)
# make faults  every fault at random moments: killed, disk full, damaged, ... (an hour; FAULTS_ARGS="--times 6" for less)
# make fuzz    files from strangers for an hour (FUZZ_ARGS="--minutes 5" for less)
# Each sets up an isolated environment in .venv by itself (Python 3.11 or newer); the second time that costs nothing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ZIP_VENV := build/zip-venv
DOCS_STAMP := $(VENV)/.installed-docs
# The CPU build by its full version, so that no index can hand out gigabytes of CUDA instead.
TORCH := torch==2.13.0+cpu
TORCH_INDEX := https://download.pytorch.org/whl/cpu

SCENE ?=
MODEL ?=
OUT ?= demo
PYTEST_ARGS ?=
FAULTS_ARGS ?=
FUZZ_ARGS ?=

.PHONY: venv demo test coverage faults fuzz check lint plugin dist docs figures viewer clean
.DEFAULT_GOAL := test

venv: $(STAMP)

$(STAMP): setup.cfg pyproject.toml constraints-cpu.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Error: $(PYTHON) is older than Python 3.11"; echo "Hint: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "Hint: on Debian and Ubuntu: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }
	$(BIN)/python -m pip install -q -c constraints-cpu.txt '$(TORCH)' \
		|| $(BIN)/python -m pip install -q -c constraints-cpu.txt --index-url $(TORCH_INDEX) torch
	$(BIN)/python -m pip install -q -c constraints-cpu.txt -e '.[dev]'
	@touch $@

demo: $(STAMP)
	$(BIN)/fctl-geo demo $(if $(SCENE),'$(SCENE)') $(if $(MODEL),--model '$(MODEL)') --out-dir '$(OUT)' --overwrite

test: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist loadfile $(PYTEST_ARGS)

coverage: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist loadfile --cov --cov-report=term:skip-covered $(PYTEST_ARGS)

faults: $(STAMP)
	$(BIN)/python tests/fault_matrix.py $(FAULTS_ARGS)

fuzz: $(STAMP)
	$(BIN)/python tests/hostile.py $(FUZZ_ARGS)

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test

# In an environment of its own: a zip file needs no torch.
plugin: $(ZIP_VENV)/.installed
	$(ZIP_VENV)/bin/python qgis_plugin/build_zip.py $(if $(RELEASE),--release)

$(ZIP_VENV)/.installed: constraints-cpu.txt
	@$(PYTHON) -m venv $(ZIP_VENV)
	$(ZIP_VENV)/bin/python -m pip install -q -c constraints-cpu.txt markdown-it-py
	@touch $@

# The tools in an environment of their own: building needs no torch.
dist:
	$(PYTHON) -m venv build/dist-venv
	build/dist-venv/bin/python -m pip install -q build check-wheel-contents twine
	build/dist-venv/bin/python packaging/dist.py --torch '$(TORCH)' $(if $(RELEASE),--release)

$(DOCS_STAMP): $(STAMP)
	$(BIN)/python -m pip install -q -c constraints-cpu.txt -e '.[docs]'
	@touch $@

docs: $(DOCS_STAMP)
	$(BIN)/python docs/prepare.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build -q

figures: $(STAMP)
	$(BIN)/python docs/figures/draw.py

viewer:
	cd viewer && npm ci --silent && npm run --silent build

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

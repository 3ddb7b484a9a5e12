# `make demo` runs the whole chain, `make test` the tests; both set up what they need in .venv/ first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUTPUT ?= demo-output

# Compiled modules are kept, also where the environment says otherwise (as containers often do): the tests start hundreds
# of processes that import this library, at two seconds each.
export PYTHONDONTWRITEBYTECODE :=

# True when VTK can render off screen here; Mesa's software renderer is installed when it cannot.
RENDERS := import sys; from CRLMSegmentationLib.pictures.offscreen import working_window_class as w; sys.exit(w() is None)

.PHONY: help setup demo test lint docs words peers browser gpu-wheels gpu-pictures clean
.DEFAULT_GOAL := help

help:
	@echo "make demo                            the whole chain on a simulated sweep, results in $(OUTPUT)/"
	@echo "make demo SWEEP=file CONFIG=plus.xml the same on a recorded sweep (BOX=\"R A S SIZE SIZE SIZE\" or a .mrk.json)"
	@echo "make test                            the tests"
	@echo "make lint                            style and types of the sources"
	@echo "make docs                            the documentation site, in docs/_build/html/"
	@echo "make words                           the catalogues of other languages brought up to date"
	@echo "make gpu-wheels                      what Testing/GPU/campaign.py needs on a bare machine with a graphics card"
	@echo "make gpu-pictures                    the pictures that it learns landmarks from there"
	@echo "make clean                           remove .venv/, $(OUTPUT)/ and what else was made"

setup: $(VENV)/ready

# torch comes first and is then held by a constraint, so that no other package replaces a CPU build by a GPU build or
# the reverse. A wheel that lies on the machine (pip's find-links) is preferred; else the index's newest.
$(VENV)/ready: pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.10 to 3.13 is needed; name one with PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what is needed into $(VENV)/ (some minutes the first time)"
	@$(BIN)/python -c 'import torch' 2>/dev/null || \
	  { $(BIN)/python -m pip install -qq --no-index --no-deps torch==2.13.0 2>/dev/null && \
	    $(BIN)/python -m pip install -qq torch==2.13.0; } || \
	  $(BIN)/python -m pip install -qq 'torch>=2.4'
	@$(BIN)/python -c 'from importlib.metadata import version; print("torch==" + version("torch"))' > $(VENV)/constraints.txt
	@$(BIN)/python -m pip install -qq -c $(VENV)/constraints.txt -e '.[scene,web,openvino,scope,study,dicom-seg,test]'
	@$(BIN)/python -m pip install -qq -c $(VENV)/constraints.txt --only-binary :all: -e '.[fuzz]' 2>/dev/null || \
	  echo "The coverage-guided fuzzer (atheris) is not made for this Python: its test will skip"
	@$(BIN)/python -c '$(RENDERS)' || .ci/apt-install \
	  "This machine cannot render without a window: there will be no 3D picture (on Debian: apt install libosmesa6)" libosmesa6
	@touch $@

demo: setup
	@$(BIN)/crlm demo --output "$(OUTPUT)" $(if $(SWEEP),--sweep "$(SWEEP)") $(if $(CONFIG),--plus-config "$(CONFIG)") \
	  $(if $(BOX),--box $(BOX)) $(if $(SEED),--seed $(SEED))

# Half of the slow tests wait for a browser, a stream or a clock: one process more than there are processors. A file's tests
# stay together (they share what is made once for them), and so do all with a browser (Testing/Python/conftest.py).
WORKERS ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 1) + 1)))

# Coverage is reported by room at the end and never a reason to fail. Worker processes are not traced. On a mixed part of the
# suite tracing cost 3 % of the time.
test: setup peers browser
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --cov --cov-report= $(TESTS) && $(BIN)/python Testing/coverage_by_room.py

lint: setup $(VENV)/lint-ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

$(VENV)/lint-ready: $(VENV)/ready
	@$(BIN)/python -m pip install -qq -c $(VENV)/constraints.txt -e '.[dev]'
	@touch $@

# What is marked in the code goes into each language's .po file, and the .mo files are made of them.
words: setup
	@$(BIN)/python Testing/catalogue.py

# A link that leads nowhere, or a docstring that cannot be read, fails the build.
docs: setup $(VENV)/docs-ready
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

$(VENV)/docs-ready: $(VENV)/ready
	@$(BIN)/python -m pip install -qq -c $(VENV)/constraints.txt -e '.[docs]'
	@touch $@

# The C++ programs of OpenIGTLink's own library, which the stream is tested against; without them those tests skip.
peers:
	@test -e /usr/share/doc/openigtlink-examples || .ci/apt-install \
	  "The C++ OpenIGTLink programs are not here (on Debian: apt install openigtlink-examples libopenigtlink-dev)" \
	  libopenigtlink-dev openigtlink-examples

# The browser that goes through the web page; without it those tests skip.
browser:
	@command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || .ci/apt-install \
	  "Chromium is not here: the tests of the web page will skip (on Debian: apt install chromium-headless-shell)" \
	  chromium-headless-shell

# What the campaign for a graphics card (Testing/GPU) takes to a bare machine with Python 3.12 and torch: wheels/ beside it.
GPU_WHEELS := Testing/GPU/wheels
FOR_GPU := --only-binary :all: --python-version 3.12 --implementation cp --platform manylinux_2_28_x86_64 \
  --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64

gpu-wheels: setup
	@rm -f $(GPU_WHEELS)/*.whl
	@for package in $$(grep -v '^#' Testing/GPU/wheels.txt); do \
	  $(BIN)/python -m pip download -qq --no-deps $(FOR_GPU) -d $(GPU_WHEELS) "$$package" 2>/dev/null || \
	  $(BIN)/python -m pip wheel -qq --no-deps -w $(GPU_WHEELS) "$$package" || exit 1; \
	done
	@$(PYTHON) Testing/GPU/check_wheels.py $(GPU_WHEELS)

# Simulated pictures of a laparoscope, which that machine cannot make, beside the wheels; some minutes.
gpu-pictures: setup
	@$(BIN)/python Testing/GPU/carried_pictures.py
	@$(PYTHON) Testing/GPU/check_wheels.py $(GPU_WHEELS)

clean:
	rm -rf $(VENV) $(OUTPUT) docs/_build docs/reference/generated $(GPU_WHEELS)

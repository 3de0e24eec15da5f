# `make book` builds the book and `make test` tests it. Both set up .venv themselves.
# Make is the build cache: a chapter is executed again when its source, the package or the lock changed.
SHELL := /bin/bash
.SHELLFLAGS := -eo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: halves book preview pdf epub handouts test nightly faults repeat bench audit record rules setup pair lock clean help FORCE
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
JOBS ?= 2
# Seconds that a chapter may take before it counts as hung.
TIME_LIMIT ?= 1800
# One thread for each process: two chapters share two cores, and runs repeat exactly.
export OMP_NUM_THREADS := 1

# Everything that is built. `make preview` builds the same book, with little training, in a folder of its own.
BUILD := _build
PREVIEW := $(filter %/preview,$(BUILD))
COMMA := ,
BIN := .venv/bin
READY := .venv/.ready
# Every file of a package is held to a hash in a lock, which names all that is needed: pip chooses nothing.
COMPILE := uv pip compile --universal --generate-hashes --upgrade pyproject.toml
CHOSEN := cat requirements.lock
# TORCH=cpu leaves out CUDA's packages, and takes PyTorch's builds without them from its own index. Later runs keep to it.
TORCH ?= $(if $(wildcard .venv/lib/python*/site-packages/torch-*+cpu.dist-info),cpu)
CPU_INDEX := https://download.pytorch.org/whl/cpu
ifeq ($(TORCH),cpu)
CHOSEN := awk '/^[^ ]/ {keep = !/^(torch|torchvision|triton|nvidia-.*|cuda-.*)==/} keep' requirements.lock
$(if $(wildcard .venv/lib/python*/site-packages/nvidia),$(error .venv holds the packages for CUDA. For TORCH=cpu remove it first: rm -r .venv))
else
$(if $(TORCH),$(error TORCH=$(TORCH) is not known. Allowed: TORCH=cpu, or nothing))
endif
# Where room counts, Python compiles what it imports: all that is compiled beforehand takes 0.3 GB.
INSTALL_LOCKED := -m pip install --disable-pip-version-check --require-hashes --no-deps $(if $(TORCH),--no-compile) --requirement
# A file's tests stay in one process, and so share what they set up: a browser, parsed pages, an environment.
# Files start in the order of tests/conftest.py.
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder
DATA := _build/.data
DATA_FOLDER := $(or $(TUTORIAL_DATA),$(HOME)/.cache/tutorial_utils)
PACKAGE := $(shell find tutorial_utils -name '*.py' -o -name '*.css' -o -name '*.js')
PAGES := _config.yml CHANGELOG.md benchmarks/results.json LICENSE LICENSE-text $(shell find book -type f -not -path '*/__pycache__/*')

# Started in this order: what others wait for first, then what takes long, so that no core is idle at the end.
FIRST := cifar10/03_training mnist/03_training beyond/02_networks claims/01a_mnist_data_and_model claims/02b_cifar10_training \
  mnist/04c_comparing_models claims/01b_mnist_training claims/04_replication \
  cifar10/05_error_analysis cifar10/04_evaluation beyond/01_better_features beyond/03_what_it_buys foundations/03_gradient_descent
SOURCES := $(wildcard $(FIRST:%=notebooks/%.py))
SOURCES += $(filter-out $(SOURCES),$(wildcard notebooks/*/*.py))
EXECUTED := $(SOURCES:notebooks/%.py=$(BUILD)/executed/%.ipynb)
RESULTS := $(SOURCES:notebooks/%.py=$(BUILD)/results/%.json)
# The only chapter that times things. It runs alone, before all others.
TIMED := $(BUILD)/executed/claims/03_timing.ipynb

book: halves  ## build the book into _build/html
	@$(MAKE) -j$(JOBS) _build/html/index.html
	@$(BIN)/tutorial status

preview: halves  ## build every page into _build/preview with few epochs and seeds, which takes minutes
	@$(MAKE) -j$(JOBS) BUILD=_build/preview _build/preview/html/index.html
	@echo "A preview, whose numbers are not the book's: _build/preview/html/index.html"

pdf: book  ## print the book as one PDF, with the system's Chromium
	@$(MAKE) $(PDF)

epub: book  ## write the book as an EPUB into _build, with pandoc and the system's Chromium
	@$(MAKE) $(EPUB)

handouts: book  ## write notebooks without solutions, questions, their key and slides into _build/handouts
	@$(BIN)/python book/_ext/handouts.py $(BUILD) $(BUILD)/handouts

test: book  ## run every check, and every test that is neither long nor random
	@echo "Checking style and types"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy book/_ext
	@$(PYTEST)

nightly: book preview  ## run the long and random tests, too, and build a preview
	@$(PYTEST) --nightly

faults: book  ## test every row of tests/faults.md and print the table
	@$(PYTEST) -m fault --fault-table

repeat: book  ## execute every chapter again and compare what it measures (CHAPTERS="part/name ..." for some)
	@$(BIN)/python -m pytest -n $(JOBS) tests/test_repeat.py -k again --chapters "$(or $(CHAPTERS),all)"

bench: .venv-bench/.ready $(DATA)  ## measure speed and memory beside other ways (20 minutes after make book, better on a quiet machine)
	@env -u OMP_NUM_THREADS .venv-bench/bin/python benchmarks/run.py $(BENCH)

audit:  ## ask for known vulnerabilities of the locked versions (needs the internet)
	@$(PYTHON) -m venv --clear _build/.audit
	@_build/.audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	@_build/.audit/bin/pip-audit --requirement requirements.lock --requirement benchmarks/requirements.lock --no-deps --disable-pip

record: book  ## accept the headline numbers of this build as those on record
	@$(BIN)/python tests/record.py

rules: $(READY)  ## accept new rules of claims, and changed ones that have a new date
	@$(BIN)/python tests/rules_seen.py

setup: $(READY)  ## set up .venv and nothing else (book and test do it themselves)

pair: $(READY)  ## write every chapter's .ipynb from its .py
	@$(BIN)/python book/_ext/pair.py $(SOURCES)

# Before anything is built: an .ipynb that was edited alone is no source, and stops here.
halves: $(READY)
	@$(BIN)/python book/_ext/pair.py --keep-outputs $(SOURCES)

lock:  ## choose new versions for requirements.lock, and for what benchmarks need beside them (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	$(COMPILE) --extra torch --extra book --extra test --extra pdf -o requirements.lock
	grep -oE '^torch(vision)?==[^ ]+' requirements.lock | uv pip compile --universal --generate-hashes --no-deps --upgrade \
	  --no-header --emit-index-url --index-url $(CPU_INDEX) - -o requirements-cpu.lock
	$(COMPILE) --extra bench --constraint requirements.lock -o benchmarks/requirements.lock

clean:  ## remove everything that was built, but not .venv
	rm -rf _build

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*##  *\(.*\)/make \1@\2/p' Makefile | column -t -s @

# Asked anew each time: the system's Python may have been replaced since set-up.
VENV_FAULT := $(shell test ! -e .venv/pyvenv.cfg || $(BIN)/python -c 'import importlib.util, sys; \
  print("is of Python %d.%d" % sys.version_info[:2] if sys.version_info < (3, 11) \
  else "" if importlib.util.find_spec("pip") else "has no pip")' 2>/dev/null || echo "has no Python that runs")
ifneq ($(VENV_FAULT),)
$(READY): FORCE
endif

$(READY): requirements.lock $(if $(TORCH),requirements-cpu.lock) pyproject.toml
	@test -z "$(VENV_FAULT)" || { echo "Set-up cannot use .venv: it $(VENV_FAULT)." \
	  "Remove it and run make again: rm -rf .venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Set-up needs Python 3.11 or newer as $(PYTHON). Another: make book PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo "Set-up needs Python's venv module: apt-get install python3-venv" >&2; exit 1; }
	@echo "Setting up .venv with the versions in requirements.lock (the first time, $(if $(TORCH),2 GB,several GB))"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(CHOSEN) | $(BIN)/python $(INSTALL_LOCKED) /dev/stdin && \
	  $(if $(TORCH),$(BIN)/python -m pip install --disable-pip-version-check --no-deps --requirement requirements-cpu.lock &&) \
	  $(BIN)/python -m pip install --disable-pip-version-check --no-build-isolation --no-deps --editable . || \
	  { echo "Set-up failed while pip installed packages. Read its last lines above, then run make again." >&2; exit 1; }
	@touch $@

# Beside .venv, which it sees: what the package is compared with, and nothing else.
.venv-bench/.ready: benchmarks/requirements.lock | $(READY)
	@echo "Setting up .venv-bench with the packages to compare with"
	@$(BIN)/python -m venv --clear --without-pip .venv-bench
	@echo "import site; site.addsitedir('$$($(BIN)/python -c 'import site; print(site.getsitepackages()[0])')')" \
	  > "$$(.venv-bench/bin/python -c 'import site; print(site.getsitepackages()[0])')/book.pth"
	@.venv-bench/bin/python $(INSTALL_LOCKED) $< --quiet
	@touch $@

# Every load checks the files again, so here it is enough that the folders are still there.
$(DATA): tutorial_utils/data/catalogue.py $(if $(shell test -d "$(DATA_FOLDER)/MNIST" && test -d "$(DATA_FOLDER)/cifar-10-batches-bin" && echo yes),,FORCE) | $(READY)
	@$(BIN)/tutorial data
	@mkdir -p $(@D) && touch $@

$(SOURCES:.py=.ipynb): %.ipynb: %.py | $(READY)
	@$(BIN)/python book/_ext/pair.py --keep-outputs $<

EXECUTE := $(BIN)/tutorial chapter --into $(BUILD) --time-limit $(TIME_LIMIT) $(if $(PREVIEW),--preview)
# Newer text alone is put around the outputs that are there; code that changed is executed.
$(BUILD)/executed/%.ipynb $(BUILD)/results/%.json: notebooks/%.ipynb $(PACKAGE) requirements.lock | $(READY) $(DATA)
	@$(EXECUTE) $* $(if $(filter-out notebooks/$*.ipynb,$?),,--keep-outputs)

# Claims are judged by rules that are data.
$(filter $(BUILD)/executed/claims/% $(BUILD)/results/claims/%,$(EXECUTED) $(RESULTS)): tutorial_utils/report/rules.toml

$(filter-out $(TIMED),$(EXECUTED)): | $(if $(PREVIEW),,$(TIMED))
# Short ones wait for what a long one waits for, or the long one would come last, with a core idle beside it.
$(filter-out $(TIMED) %/03_training.ipynb,$(EXECUTED)): | $(filter %/mnist/03_training.ipynb,$(EXECUTED))
$(filter-out %/cifar10/03_training.ipynb,$(filter %_cifar10.ipynb %_cifar10_training.ipynb $(BUILD)/executed/cifar10/% $(BUILD)/executed/foundations/%,$(EXECUTED))): \
  | $(filter %/cifar10/03_training.ipynb,$(EXECUTED))
# What a chapter loads from another.
$(patsubst %,$(BUILD)/executed/%.ipynb,mnist/02_model mnist/03b_tuning mnist/04_evaluation mnist/04b_probabilities mnist/04c_comparing_models mnist/05_error_analysis beyond/01_better_features beyond/03_what_it_buys): | $(BUILD)/executed/mnist/03_training.ipynb
$(patsubst %,$(BUILD)/executed/%.ipynb,mnist/04c_comparing_models claims/01a_mnist_data_and_model claims/01b_mnist_training claims/01c_mnist_evaluation claims/04_replication): | $(BUILD)/executed/mnist/03b_tuning.ipynb
$(BUILD)/executed/beyond/03_what_it_buys.ipynb: | $(BUILD)/executed/beyond/02_networks.ipynb
$(BUILD)/executed/claims/01b_mnist_training.ipynb: | $(BUILD)/executed/claims/01a_mnist_data_and_model.ipynb
$(BUILD)/executed/claims/04_replication.ipynb: | $(BUILD)/executed/claims/01b_mnist_training.ipynb
$(patsubst %,$(BUILD)/executed/%.ipynb,cifar10/04_evaluation cifar10/05_error_analysis claims/02_cifar10 claims/02b_cifar10_training beyond/01_better_features beyond/03_what_it_buys): | $(BUILD)/executed/cifar10/03_training.ipynb

# Two values of each parameter are enough for a preview.
SHORTER := $(if $(PREVIEW),; s/\(=[^ ,]*$(COMMA)[^ ,]*\)$(COMMA)[^ ]*/\1/g)
# The book's sweep is the command that stands on its page. It keeps what it finished, and runs what is missing.
SWEPT := $(BUILD)/sweeps/book/results.csv
$(SWEPT): book/sweep.md notebooks/mnist/02_model.ipynb $(PACKAGE) requirements.lock | $(READY) $(DATA) $(EXECUTED)
	@sed -n '/^\.venv\/bin\/tutorial sweep/,/[^\]$$/p' $< | sed 's#_build/#$(BUILD)/#$(SHORTER)' | bash -e

# What chapters computed for pages that compute, too. Made with the chapter; a file that was lost makes it run again.
PAGE_DATA := $(addprefix $(BUILD)/page_data/,mnist_model.js mnist_sample.js mnist_test_images.js mnist_features_model.js)
$(BUILD)/page_data/mnist_model.js $(BUILD)/page_data/mnist_sample.js: | $(BUILD)/executed/mnist/03_training.ipynb
	@test -e $@ || $(EXECUTE) mnist/03_training
$(BUILD)/page_data/mnist_sample.js: | $(BUILD)/page_data/mnist_model.js
$(BUILD)/page_data/mnist_test_images.js: | $(BUILD)/executed/mnist/04_evaluation.ipynb
	@test -e $@ || $(EXECUTE) mnist/04_evaluation
$(BUILD)/page_data/mnist_features_model.js: | $(BUILD)/executed/beyond/01_better_features.ipynb
	@test -e $@ || $(EXECUTE) beyond/01_better_features

# Scripts that pages need offline.
_build/vendor/.ready: book/_ext/vendor.py | $(READY)
	@$(BIN)/python book/_ext/vendor.py $(@D) && touch $@

# To take away. The archive depends on its content alone, so that making it again changes no page.
ARCHIVE := $(BUILD)/logistic-regression-measured-notebooks.zip
PDF := $(BUILD)/logistic-regression-measured.pdf
EPUB := $(PDF:.pdf=.epub)
$(ARCHIVE): $(EXECUTED) $(RESULTS) LICENSE LICENSE-text book/_ext/notebooks_zip.py | $(READY)
	@$(BIN)/python book/_ext/notebooks_zip.py $(BUILD) $@

# For teachers: the same that `make handouts` writes into a folder.
HANDOUTS := $(BUILD)/logistic-regression-measured-handouts.zip
$(HANDOUTS): $(EXECUTED) LICENSE LICENSE-text book/_toc.yml $(addprefix book/_ext/,handouts.py lesson_text.py notebooks_zip.py question_bank.py slides.py) | $(READY)
	@$(BIN)/python book/_ext/handouts.py $(BUILD) $@

# The second build puts the PDF into the site and its link onto a page.
$(PDF): $(BUILD)/html/index.html book/_ext/book_pdf.py | $(READY)
	@echo "Printing the PDF"
	@$(BIN)/python book/_ext/book_pdf.py $(BUILD)/html $@
	@{ $(BUILD_PAGES); } >/dev/null
	@touch $@

# It stays beside the site, which has no room for it.
$(EPUB): $(BUILD)/html/index.html book/_ext/book_epub.py book/_ext/book_pdf.py | $(READY)
	@echo "Writing the EPUB"
	@$(BIN)/python book/_ext/book_epub.py $(BUILD)/html $@

PREVIEW_SETTINGS := -D measured_speed=../../../benchmarks/results.json -D api_house=../../../CONTRIBUTING.md \
  -D html_theme_options.announcement='A preview with few epochs and seeds: its numbers are not those of the book.'
BUILD_PAGES := $(BIN)/jupyter-book config sphinx $(BUILD)/site >/dev/null \
  && PYTHONPATH=book/_ext$${PYTHONPATH:+:$$PYTHONPATH} $(BIN)/sphinx-build $(if $(PREVIEW),,-W) -n --keep-going -d $(BUILD)/.doctrees $(if $(PREVIEW),$(PREVIEW_SETTINGS)) $(BUILD)/site $(BUILD)/html \
  && $(BIN)/python book/_ext/finish_site.py $(BUILD)/html notebooks

# After a failure the doctrees go: Sphinx would not repeat its warnings for pages that it has already read.
$(BUILD)/html/index.html: $(PAGES) $(EXECUTED) $(RESULTS) $(SWEPT) $(PAGE_DATA) _build/vendor/.ready | $(READY) $(ARCHIVE) $(HANDOUTS)
	@echo "Building the pages"
	@rm -rf $(BUILD)/site $(if $(filter book/_ext/%,$?),$(BUILD)/.doctrees)
	@rm -f $(PDF) $(EPUB)  # of older pages
	@mkdir -p $(BUILD)/site/notebooks
	@cp -Rp _config.yml CHANGELOG.md book $(BUILD)/site
	@mv $(BUILD)/site/book/_toc.yml $(BUILD)/site
	@cp -p _build/vendor/*.js $(PAGE_DATA) $(BUILD)/site/book/_static
	@cp -Rp $(BUILD)/executed/. $(BUILD)/site/notebooks
	@{ $(BUILD_PAGES); } || { rm -rf $(BUILD)/.doctrees; exit 1; }
	@touch $@

# What a newcomer types. Each line of meaning stands after ##; `make` alone prints them.
PYTHON ?= python3
COURSE := .venv/bin/python
NOTEBOOKS := $(sort $(wildcard notebooks/*.ipynb notebooks/appendix/*.ipynb))
NBVAL := --nbval-lax --nbval-current-env --nbval-cell-timeout 300
# Shipped weights, and results of earlier chapters kept apart from a learner's.
LOOK := COURSE_SPEED=look COURSE_RUNS_DIR="$(CURDIR)/build/test-runs"
# A process for each core, with one thread each: more threads only get in each other's way.
PARALLEL := OMP_NUM_THREADS=1 $(COURSE) -m pytest -n auto --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help run lab test test-all test-widgets7 test-pythons test-lowest test-gpu check drill \
	audit mutants notebooks chapter figure zoo results address slides present handout site room-kit \
	room-serve bench memory many clean attendee author presenter

help: ## list the commands
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

run: attendee ## execute every chapter and leave readable pages in build/
	@$(COURSE) -m tools.learner.run

lab: attendee ## open the course in JupyterLab, on your own copy in work/
	@$(COURSE) -m tools.learner.lab

test: check ## check everything in minutes: style, types, unit tests, every chapter executed once
	@rm -rf build/test-runs
	$(LOOK) $(PARALLEL) -m "not slow and not browser and not drill" $(NBVAL) tests $(NOTEBOOKS)

test-all: author ## check what `make test` leaves out: training, solutions, browsers, whole tools, faults
	@rm -rf build/test-runs
	COURSE_SPEED=train COURSE_RUNS_DIR="$(CURDIR)/build/test-runs" \
	$(COURSE) -m pytest $(NBVAL) $(NOTEBOOKS)
	@$(COURSE) -m tools.author.solve_notebooks
	$(LOOK) $(PARALLEL) $(NBVAL) build/solved
	$(COURSE) -m pytest -m "(slow or browser) and not drill" tests
	@$(MAKE) --no-print-directory drill test-widgets7

test-widgets7: author ## check figures, widgets and chapters under ipywidgets 7.7.1, as Google Colab has it
	@$(LOOK) $(COURSE) -m nox -s widgets7 -- $(NBVAL) $(NOTEBOOKS)

test-pythons: author ## run the quick tests under each Python, 3.10 to 3.13, that this machine has
	@$(COURSE) -m nox -s pythons

test-lowest: author ## run the quick tests with the lowest versions that pyproject.toml allows
	@$(COURSE) -m nox -s lowest

test-gpu: author ## check every chapter on an NVIDIA GPU, trained live
	@$(COURSE) -c 'import torch; assert torch.cuda.is_available(), f"PyTorch {torch.__version__} finds no CUDA GPU"'
	COURSE_SPEED=train $(COURSE) -m pytest $(NBVAL) $(NOTEBOOKS)

mutants: author ## test the tests: break the metrics in 300 small ways, count which are noticed (20 minutes)
	@$(COURSE) -m nox -s mutants

check: author ## style, types, and notebooks in step with their sources
	@$(COURSE) -m ruff check .
	@$(COURSE) -m ruff format --check .
	@$(COURSE) -m mypy
	@$(COURSE) -m tools.author.notebooks check

drill: author ## meet the faults that a room meets, each injected for real, in minutes
	$(COURSE) -m pytest -m drill tests

audit: author ## ask the database of known vulnerabilities about every installed package
	@$(COURSE) -m nox -s audit

notebooks: author ## authors: make notebooks/*.ipynb from notebooks/src/*.py
	@$(COURSE) -m tools.author.notebooks build

chapter: notebooks ## authors: execute one chapter and open its page, N=3
	@$(COURSE) -m tools.learner.run --chapter $(N) --open

figure: author ## authors: draw an example of a figure, NAME=risk_coverage_curves
	@$(COURSE) -m tools.author.figure "$(NAME)"

zoo: author ## authors: train the shipped networks that are missing (hours; stop and go on at will)
	@$(COURSE) -m tools.author.zoo

results: author ## authors: measure the numbers of decks and claims again, in minutes
	@$(COURSE) -m tools.author.results

address: author ## authors: set the repository's address, URL=https://…, in badges and notebooks too
	@$(COURSE) -m tools.author.address "$(URL)"
	@$(COURSE) -m tools.author.notebooks build

slides: presenter ## build the decks: one HTML file each, works offline, and a PDF
	@$(COURSE) -m tools.presenter.slides

present: presenter ## open the decks in JupyterLab, with a running kernel
	@$(COURSE) -m tools.presenter.present

handout: presenter ## for teachers: all exercises with hints, solutions and minutes, HTML and PDF
	@$(COURSE) -m tools.presenter.handout

site: presenter ## build the executed chapters and the decks as a website in build/site, to publish
	@$(COURSE) -m tools.presenter.site

room-kit: presenter ## build a folder for a USB stick: all that a room without a network needs (TO=/path PLATFORMS="windows macos" PYTHONS="3.12 3.13")
	@$(COURSE) -m tools.presenter.room_kit \
	$(if $(TO),--to "$(TO)") $(if $(PLATFORMS),--platforms $(PLATFORMS)) $(if $(PYTHONS),--pythons $(PYTHONS))

room-serve: attendee ## serve that folder to the laptops in the room (KIT=/path HOST=this machine's address)
	@$(COURSE) -m tools.presenter.room_serve $(if $(KIT),--kit "$(KIT)") $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT))

bench: attendee ## compare speed and accuracy with the ancestor of this course, in about 10 minutes
	$(COURSE) -m benchmarks.against_ancestor $(BENCH)

memory: author ## measure how much memory the kernel of each chapter needs
	$(COURSE) -m benchmarks.memory

many: author ## measure a training alone, beside two others, and beside a busy process
	$(COURSE) -m benchmarks.one_of_many

clean: ## remove what commands produced (not work/, runs/ or .venv/)
	rm -rf build

attendee:
	@$(PYTHON) tools/learner/install.py lab

author:
	@$(PYTHON) tools/learner/install.py lab dev slides tensorboard

presenter:
	@$(PYTHON) tools/learner/install.py lab slides

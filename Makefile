# What a newcomer types. The text after ## explains each command; `make` alone prints it.
PYTHON ?= python3
COURSE := .venv/bin/python
# The notebooks, with checks of what their sentences claim; tools/author/statements.py writes them.
# Appendices run only where chapters train.
NOTEBOOKS := build/checked
CHAPTERS := $(addprefix build/checked/,$(notdir $(wildcard notebooks/*.ipynb)))
NBVAL := --nbval-lax --nbval-current-env --nbval-cell-timeout 300
# Shipped weights, and results kept apart from the learner's own.
LOOK := COURSE_SPEED=look COURSE_RUNS_DIR="$(CURDIR)/build/test-runs" HF_HUB_OFFLINE=1
# A process for each core, with one thread each: more threads only get in each other's way.
PARALLEL := OMP_NUM_THREADS=1 $(COURSE) -m pytest -n auto --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help run lab test test-all test-widgets7 test-pythons test-lowest test-gpu check drill \
	audit mutants hub-test notebooks statements chapter figure zoo results address slides present handout \
	site room-kit room-serve leaderboard bench memory many clean attendee author presenter

help: ## list the commands
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

run: attendee ## run every chapter and write pages to read, starting at build/index.html
	@$(COURSE) -m tools.learner.run

lab: attendee ## open the course in JupyterLab, on your own copies in work/
	@$(COURSE) -m tools.learner.lab

test: check statements ## quick checks: style, types, unit tests, and every chapter once
	@rm -rf build/test-runs
	$(LOOK) $(PARALLEL) -m "not slow and not browser and not drill and not hub" $(NBVAL) tests $(CHAPTERS)

test-all: author statements ## everything `make test` leaves out: training, solutions, browsers, whole tools, faults
	@rm -rf build/test-runs
	COURSE_SPEED=train COURSE_RUNS_DIR="$(CURDIR)/build/test-runs" HF_HUB_OFFLINE=1 \
	$(COURSE) -m pytest $(NBVAL) $(NOTEBOOKS)
	@$(COURSE) -m tools.author.solve_notebooks
	$(LOOK) $(PARALLEL) $(NBVAL) build/solved
	OMP_NUM_THREADS=1 $(COURSE) -m pytest -m "(slow or browser) and not drill" tests
	@$(MAKE) --no-print-directory drill test-widgets7

test-widgets7: author statements ## check figures, widgets and chapters under ipywidgets 7.7.1, Google Colab's version
	@$(LOOK) $(COURSE) -m nox -s widgets7 -- $(NBVAL) $(CHAPTERS)

test-pythons: author ## run the quick tests under every Python from 3.10 to 3.13 on this machine
	@$(COURSE) -m nox -s pythons

test-lowest: author ## run the quick tests with the lowest versions pyproject.toml allows
	@$(COURSE) -m nox -s lowest

test-gpu: author statements ## run every chapter on an NVIDIA GPU, training live
	@$(COURSE) -c 'import torch; assert torch.cuda.is_available(), f"PyTorch {torch.__version__} finds no CUDA GPU"'
	COURSE_SPEED=train $(COURSE) -m pytest $(NBVAL) $(NOTEBOOKS)

mutants: author ## test the tests: break the metrics in 300 small ways, count which are noticed (20 minutes)
	@$(COURSE) -m nox -s mutants

hub-test: author ## let simulated attendees work on a real JupyterHub, up to ten at once (10 to 15 minutes, needs Node)
	@npm ci --prefix hub --no-audit --no-fund
	@$(COURSE) -m nox -s hub

check: author ## check style, types, and that notebooks match their sources
	@$(COURSE) -m ruff check .
	@$(COURSE) -m ruff format --check .
	@$(COURSE) -m mypy
	@$(COURSE) -m tools.author.notebooks check

drill: author ## inject the faults that happen in classrooms, for real, in a few minutes
	$(COURSE) -m pytest -m drill tests

audit: author ## look up every installed package in the database of known vulnerabilities
	@$(COURSE) -m nox -s audit

statements: author
	@$(COURSE) -m tools.author.statements

notebooks: author ## authors: build notebooks/*.ipynb from notebooks/src/*.py
	@$(COURSE) -m tools.author.notebooks build

chapter: notebooks ## authors: run one chapter and open its page (N=3)
	@$(COURSE) -m tools.learner.run --chapter $(N) --open

figure: author ## authors: draw an example of a figure (NAME=risk_coverage_curves)
	@$(COURSE) -m tools.author.figure "$(NAME)"

zoo: author ## authors: train the shipped networks that are missing (hours; stop and resume at any time)
	@$(COURSE) -m tools.author.zoo

results: author ## authors: remeasure the numbers in decks and claims, in a few minutes
	@$(COURSE) -m tools.author.results

address: author ## authors: set the repository's address, and the badges that need it (URL=https://… HUB=https://…)
	@$(COURSE) -m tools.author.address "$(URL)" $(if $(HUB),--hub "$(HUB)")
	@$(COURSE) -m tools.author.notebooks build

slides: presenter ## build the decks: for each, an HTML file that works offline, and a PDF
	@$(COURSE) -m tools.presenter.slides

present: presenter ## open the decks in JupyterLab, with a running kernel
	@$(COURSE) -m tools.presenter.present

handout: presenter ## for teachers: all exercises with hints, solutions and minutes, as HTML and PDF
	@$(COURSE) -m tools.presenter.handout

site: presenter ## build a website of the executed chapters and the decks in build/site, to publish
	@$(COURSE) -m tools.presenter.site

room-kit: presenter ## build a folder for a USB stick, with all a room without a network needs (TO=/path PLATFORMS="windows macos" PYTHONS="3.12 3.13")
	@$(COURSE) -m tools.presenter.room_kit \
	$(if $(TO),--to "$(TO)") $(if $(PLATFORMS),--platforms $(PLATFORMS)) $(if $(PYTHONS),--pythons $(PYTHONS))

room-serve: attendee ## serve that folder to the laptops in the room (KIT=/path HOST=this machine's address)
	@$(COURSE) -m tools.presenter.room_serve $(if $(KIT),--kit "$(KIT)") $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT))

leaderboard: attendee ## compare a room's policies for the sorting office: reads the model cards in a folder (FOLDER=/media/stick)
	@$(COURSE) -m tools.presenter.leaderboard "$(FOLDER)"

bench: attendee ## compare speed and accuracy with the tutorial this course grew out of, in about 10 minutes
	$(COURSE) -m benchmarks.against_ancestor $(BENCH)

memory: author ## measure how much memory each chapter's kernel needs
	$(COURSE) -m benchmarks.memory

many: author ## time a training run alone, alongside two others, and alongside a busy process
	$(COURSE) -m benchmarks.one_of_many

clean: ## remove what these commands have built (not work/, runs/ or .venv/)
	rm -rf build

attendee:
	@$(PYTHON) tools/learner/install.py lab

author:
	@$(PYTHON) tools/learner/install.py lab dev slides tensorboard

presenter:
	@$(PYTHON) tools/learner/install.py lab slides

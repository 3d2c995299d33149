# What a newcomer types. Each line of meaning stands after ##; `make` alone prints them.
PYTHON ?= python3
COURSE := .venv/bin/python
NOTEBOOKS := $(sort $(wildcard notebooks/*.ipynb))
NBVAL := --nbval-lax --nbval-current-env --nbval-cell-timeout 300
# A folder with all the images beside the repository serves them without a network.
MIRROR := $(or $(COURSE_DATA_MIRROR),$(if $(wildcard ../shared/data),$(CURDIR)/../shared/data))

.DEFAULT_GOAL := help
.PHONY: help address run test test-all test-widgets7 test-pythons test-lowest test-gpu lab notebooks results check slides present handout bench growth memory drill audit clean attendee author presenter zoo

help: ## list the commands
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

run: attendee ## execute every chapter and leave readable pages in build/
	@$(COURSE) -m tools.learner.run

lab: attendee ## open the course in JupyterLab, on your own copy in work/
	@$(COURSE) -m tools.learner.lab

test: check ## check everything in minutes: bundled digits, shipped weights
	COURSE_SPEED=look COURSE_DATA=sample \
	$(COURSE) -m pytest -m "not full and not slow" $(NBVAL) tests $(NOTEBOOKS)

# The chapters in a call of their own: tests/conftest.py would keep them on the sample.
test-all: check ## check what `make test` leaves out: all the digits, every chapter trained live, every exercise solved
ifneq ($(NOTEBOOKS),)
	COURSE_SPEED=train COURSE_DATA_DIR="$(CURDIR)/build/test-data" \
	$(if $(MIRROR),COURSE_DATA=full COURSE_DATA_MIRROR="$(MIRROR)") \
	$(COURSE) -m pytest $(NBVAL) $(NOTEBOOKS)
endif
	@$(COURSE) -m tools.author.solve_notebooks
	COURSE_SPEED=look COURSE_DATA=sample $(COURSE) -m pytest $(NBVAL) build/solved
	$(COURSE) -m pytest -m "full or slow" tests
	@$(MAKE) --no-print-directory test-widgets7

# The chapters need torch and the rest of .venv: what Colab has of its own is put before those.
test-widgets7: author ## check figures, widgets and chapters under ipywidgets 7.7.1, as Google Colab has it
	@$(COURSE) -m tools.author.widgets7
	build/widgets7/bin/python -m pytest tests/figures tests/widgets
	export PYTHONPATH="$$(build/widgets7/bin/python -c 'import site; print(site.getsitepackages()[0])')" && \
	$(COURSE) -c 'import ipywidgets; assert ipywidgets.__version__ < "8", ipywidgets.__file__' && \
	COURSE_SPEED=look COURSE_DATA=sample $(COURSE) -m pytest $(NBVAL) $(NOTEBOOKS)

test-pythons: author ## run the package's tests under each other Python, 3.10 to 3.13, that this machine has
	@$(COURSE) -m tools.author.each_python

test-lowest: author ## run the package's tests with the lowest versions that pyproject.toml allows
	@$(COURSE) -m tools.author.lowest

test-gpu: author ## check every chapter on an NVIDIA GPU, trained live on all the digits
	@$(COURSE) -m tools.author.require_gpu
	COURSE_SPEED=train COURSE_DATA=full $(if $(MIRROR),COURSE_DATA_MIRROR="$(MIRROR)") \
	$(COURSE) -m pytest $(NBVAL) $(NOTEBOOKS)

check: author ## style, and notebooks in step with their sources
	@$(COURSE) -m ruff check .
	@$(COURSE) -m tools.author.notebooks check

zoo: author ## authors: train the shipped networks that are missing (hours; stop and go on at will)
	@$(COURSE) -m tools.author.zoo

notebooks: author ## authors: make notebooks/*.ipynb from notebooks/src/*.py
	@$(COURSE) -m tools.author.notebooks build

address: author ## authors: set the repository's address, URL=https://…, in badges and notebooks too
	@$(COURSE) -m tools.author.address "$(URL)"
	@$(COURSE) -m tools.author.notebooks build

results: author ## authors: measure the numbers of decks and claims again, in minutes
	@$(COURSE) -m tools.author.results

slides: presenter ## build the decks: one HTML file each, works offline, and a PDF
	@$(COURSE) -m tools.presenter.slides

present: presenter ## open the decks in JupyterLab, with a running kernel
	@$(COURSE) -m tools.presenter.present

handout: presenter ## for whoever teaches: all exercises with hints, solutions and minutes, HTML and PDF
	@$(COURSE) -m tools.presenter.handout

site: presenter ## build the executed chapters and the decks as a website in build/site, to publish
	@$(if $(MIRROR),COURSE_DATA_MIRROR="$(MIRROR)") $(COURSE) -m tools.presenter.site

room-kit: presenter ## build a folder for a USB stick: all that a room without a network needs (TO=/path PLATFORMS="windows macos" PYTHONS="3.12 3.13")
	@COURSE_DATA=full $(if $(MIRROR),COURSE_DATA_MIRROR="$(MIRROR)") $(COURSE) -m tools.presenter.room_kit \
	$(if $(TO),--to "$(TO)") $(if $(PLATFORMS),--platforms $(PLATFORMS)) $(if $(PYTHONS),--pythons $(PYTHONS))

room-serve: attendee ## serve that folder to the laptops in the room (KIT=/path HOST=this machine's address)
	@$(COURSE) -m tools.presenter.room_serve $(if $(KIT),--kit "$(KIT)") $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT))

bench: attendee ## compare speed and accuracy with the ancestor of this course, in about 10 minutes
	$(if $(MIRROR),COURSE_DATA_MIRROR="$(MIRROR)") $(COURSE) benchmarks/against_ancestor.py $(BENCH)

growth: attendee ## measure how time and memory grow with digits, images and members
	$(COURSE) benchmarks/growth.py

memory: author ## measure how much memory the kernel of each chapter needs
	$(COURSE) benchmarks/memory.py

drill: author ## meet the faults that a room meets, each injected for real, in minutes
	@$(COURSE) tests/drill

audit: attendee ## ask the database of known vulnerabilities about every installed package
	@$(COURSE) -m tools.author.audit

clean: ## remove what commands produced (not work/, runs/ or .venv/)
	rm -rf build

attendee:
	@$(PYTHON) tools/learner/install.py lab

author:
	@$(PYTHON) tools/learner/install.py lab dev slides tensorboard

presenter:
	@$(PYTHON) tools/learner/install.py lab slides

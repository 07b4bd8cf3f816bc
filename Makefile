# Everything runs from a virtual environment in .venv, which the first command sets up: .venv/ready with what the
# notebooks need, .venv/ready-test with the extra `test` of pyproject.toml on top, and so on. For a Python
# other than python3: `make lab PYTHON=python3.12`; for a port other than 8888: `make lab PORT=9000`.
RUN = .venv/bin/python

# .venv/ready holds the path it was made for. An environment does not survive a move of its folder or the loss of
# its Python: then it is made again. Otherwise its own Python renews it when the lists of packages change.
ifeq ($(CURDIR),$(shell test -x $(RUN) && cat .venv/ready 2>&1))
PYTHON ?= $(RUN)
else
PYTHON ?= python3
.PHONY: .venv/ready
endif
# Neither a set-up nor a test may depend on what the shell tells another Python or another pytest.
unexport $(filter PYTHON% PYTEST_%,$(.VARIABLES))
COG = $(RUN) -m cogapp -P -I tools -p "import tables" --verbosity=1
AGAIN = $(strip make $(MAKECMDGOALS) $(MAKEOVERRIDES))
OLD = Python 3.11 or newer is needed, and $(PYTHON) is none. Install one (python.org), or name the one that you have:  \
make $(MAKECMDGOALS) PYTHON=python3.12

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

lab: .venv/ready ## open the notebooks in JupyterLab
	@$(RUN) tools/lab.py

applications: .venv/ready-applications ## install what chapters 11, 12 and 17 need on top

test: lint .venv/ready-applications .venv/ready-peers ## verify everything: lint, unit tests, every notebook executed and compared, sliders dragged
	rm -rf build/junit
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n 2 --dist=loadfile --nbval --nbval-cell-timeout=300 -m "not browser" --junit-xml=build/junit/tests.xml
	$(RUN) -m pytest -m browser --junit-xml=build/junit/browser.xml

update: .venv/ready ## fetch the newest version and keep your answers
	@$(RUN) tools/update.py

portable: .venv/ready-test .venv/ready-applications ## run the tests without browser as four kinds of processors would compute (long)
	$(RUN) tools/numerics.py

notebooks: .venv/ready .venv/ready-applications ## execute every notebook and store its outputs
	$(RUN) tools/notebooks.py

lessons: .venv/ready ## say of each chapter its minutes, first picture, sliders, boxes and sittings
	@$(RUN) tools/lessons.py

lint: .venv/ready-test ## style of the code, notebooks included, and whether the tables are up to date
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(COG) --check --check-fail-msg="The tables are out of date: make tables writes them." README.md CONTRIBUTING.md

tables: .venv/ready-test ## write the tables of README.md and CONTRIBUTING.md, the lines under titles, and the lists of references
	$(COG) -r README.md CONTRIBUTING.md
	$(RUN) tools/sources.py
	$(RUN) tools/notebooks.py --strip

bench: .venv/ready-test .venv/ready-applications .venv/ready-peers ## run the benchmarks
	@set -e; for file in benchmarks/*.py; do echo "== $$file"; $(RUN) $$file; done

mutants: .venv/ready-test .venv/ready-mutants ## break the core on purpose and count what the tests notice (long, not in CI)
	$(RUN) tools/mutate.py

site-demo: .venv/ready ## write the explorers as web pages that need no kernel (build/site)
	@$(RUN) tools/site_demo.py

constraints: ## raise every pinned version in constraints.txt to the newest that fits pyproject.toml
	"$(PYTHON)" -m venv build/uv
	build/uv/bin/python -m pip install --quiet uv
	build/uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-annotate \
	  --all-extras --output-file constraints.txt pyproject.toml

.venv/ready: pyproject.toml constraints.txt
	@"$(PYTHON)" -c "import sys; sys.exit(sys.version_info < (3, 11))" || { echo "$(OLD)" >&2; exit 1; }
	@"$(PYTHON)" tools/setup.py --again "$(AGAIN)"
	@pwd -P >$@

.venv/ready-%: .venv/ready
	@$(RUN) tools/setup.py --again "$(AGAIN)" $*
	@touch $@

.NOTPARALLEL:
.PHONY: help lab applications test update portable notebooks lessons lint tables bench mutants site-demo constraints

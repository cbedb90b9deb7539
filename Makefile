# The few commands of this project. Needs git, make and Python >= 3.11; brings everything else itself.

PYTHON ?= python3
RUN := .venv/bin

.PHONY: help demo test bench build synth diff tools lint

help: ## What can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: tools ## The main job: build, deploy to the sandbox, take payments through everything, report
	@$(RUN)/hasivu demo

test: tools lint ## The whole test suite
	@$(RUN)/pytest --numprocesses 2 --no-loadscope-reorder --cov --cov-report term

bench: tools ## What things cost: CPU time per operation, import time per function
	@$(RUN)/pytest tests/benchmarks --benchmark-enable --benchmark-only --numprocesses 0

build: tools ## The Lambda bundles, for Lambda and for this machine
	@$(RUN)/hasivu build

synth: tools ## The CloudFormation of one environment: make synth ENV=prod
	@$(RUN)/hasivu synth --env $(or $(ENV),sandbox)

diff: tools ## What this branch would change, destroy and allow in AWS: make diff BASE=origin/main
	@$(RUN)/hasivu diff --base $(or $(BASE),origin/main)

lint: tools
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports

tools:
	@$(PYTHON) checks/bootstrap.py

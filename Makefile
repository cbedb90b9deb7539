# The few commands of this project. Needs git, make and Python >= 3.11; brings everything else itself.

PYTHON ?= python3
RUN := .venv/bin

.PHONY: help demo test bench audit build synth check diff tools lint

help: ## What can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: tools ## The main job: build, deploy to the sandbox, take payments through everything, report
	@$(RUN)/hasivu demo

test: tools lint ## The whole test suite
	@$(RUN)/pytest --numprocesses 2 --no-loadscope-reorder --cov --cov-report term \
		--cov-report json:build/evidence/tests/coverage.json --junitxml build/evidence/tests/junit.xml \
		-p checks.evidence.pytest_plugin --evidence tests \
		--evidence-file build/evidence/tests/junit.xml --evidence-file build/evidence/tests/coverage.json

bench: tools ## What things cost: CPU time per operation, import time per function
	@mkdir -p build/evidence/benchmarks
	@$(RUN)/pytest tests/benchmarks --benchmark-enable --benchmark-only --numprocesses 0 \
		--benchmark-json build/evidence/benchmarks/results.json \
		-p checks.evidence.pytest_plugin --evidence benchmarks \
		--evidence-file build/evidence/benchmarks/results.json

audit: tools ## Known vulnerabilities of every locked package; asks OSV and the npm registry
	@$(RUN)/python -m checks.evidence.audit

build: tools ## The Lambda bundles, for Lambda and for this machine
	@$(RUN)/hasivu build

synth: tools ## The CloudFormation of one environment: make synth ENV=prod
	@$(RUN)/hasivu synth --env $(or $(ENV),sandbox)

check: tools ## The production checklist, held against an environment: make check ENV=prod
	@$(RUN)/hasivu check --env $(or $(ENV),sandbox)

diff: tools ## What this branch would change, destroy and allow in AWS: make diff BASE=origin/main
	@$(RUN)/hasivu diff --base $(or $(BASE),origin/main)

lint: tools
	@$(RUN)/python -m checks.evidence.lint

tools:
	@$(PYTHON) checks/bootstrap.py

# Every target sets up what it needs first; the second time that takes a moment.
PYTHON ?= python3
ARGS ?=
SETUP := $(PYTHON) deploy/environment.py

.DEFAULT_GOAL := help
.PHONY: demo setup run test check format bench docs migration lock size help

demo: ## Play on paper in your browser, no account needed; ARGS="--help" shows the flags
	@$(SETUP) core -- sortie demo $(ARGS)

setup: ## Make .venv with what the desk needs
	@$(SETUP) core

run: ## Run the desk on Telegram, as sortie.toml says (`.venv/bin/sortie init` writes one)
	@$(SETUP) core -- sortie run $(ARGS)

test: ## Run the tests; ARGS="-k gate" picks some
	@$(SETUP) test -- python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

check: ## Lint, format, types, layers and secrets, as CI does
	@$(SETUP) check -- python -m deploy.checks

format: ## Sort imports and format the code
	@$(SETUP) check -- python -m ruff check --quiet --select I --fix .
	@$(SETUP) check -- python -m ruff format --quiet .

bench: ## Measure speed and memory, each beside its floor
	@$(SETUP) test -- python -m bench $(ARGS)

docs: ## Write the reference pages from the code
	@$(SETUP) core -- python -m bot.reference

migration: ## Write the next schema revision; NAME="what changes"
	@$(SETUP) check -- python -m migrations "$(NAME)"

lock: ## Lock the requirements anew (needs the network)
	@$(SETUP) core -- python -m deploy.lock $(ARGS)

size: ## Measure what the core downloads; 60 MB is the most it may be
	@$(SETUP) core -- python -m deploy.core_size

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 11

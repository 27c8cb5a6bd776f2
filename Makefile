# Every target sets up what it needs first; the second time that takes a moment.
PYTHON ?= python3
ARGS ?=
HOURS ?= 2
SOAK := var/soak
NUMBERS := $(patsubst %,tests/trading/test_%.py,fills_in_any_order exit_fills_in_any_order halt_race storm)
SETUP := $(PYTHON) deploy/environment.py

.DEFAULT_GOAL := help
.PHONY: demo setup run test numbers check format bench crash sim orders mutants kills soak docs migration lock size help

demo: ## Play on paper in your browser, no account needed; ARGS="--help" shows the flags
	@$(SETUP) core -- sortie demo $(ARGS)

setup: ## Make .venv with what the desk needs
	@$(SETUP) core

run: ## Run the desk on Telegram, as sortie.toml says (`.venv/bin/sortie init` writes one)
	@$(SETUP) core -- sortie run $(ARGS)

test: ## Run the tests; ARGS="-k gate" picks some
	@$(SETUP) test -- python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

numbers: export IN_FULL = 1
numbers: ## Try in full the promised numbers that the tests try in part: 5,000 orders, 1,000 halts, a storm of 1,000 fires
	@$(SETUP) test -- python -m pytest --numprocesses 2 --dist loadfile --timeout 600 $(NUMBERS) $(ARGS)

check: ## Lint, format, types, layers and secrets, as CI does
	@$(SETUP) check -- python -m deploy.checks

format: ## Sort imports and format the code
	@$(SETUP) check -- python -m ruff check --quiet --select I --fix .
	@$(SETUP) check -- python -m ruff format --quiet .

bench: ## Measure speed and memory, each beside its floor
	@$(SETUP) test -- python -m bench $(ARGS)

crash: ## Let the desk die at every point, and once more while it recovers; ARGS="--help" shows the flags
	@$(SETUP) test -- python -m tests.crash $(or $(ARGS),--seeds 5 --pairs)

sim: ## Play seeded worlds full of faults in virtual time; ARGS="--help" shows the flags
	@$(SETUP) test -- python -m tests.sim $(or $(ARGS),--seeds 100 --minutes 10)

orders: ## Fire 10,000 random orders, and reckon every limit from the venue's books; ARGS="--help" shows the flags
	@$(SETUP) test -- python -m tests.trading.firing $(ARGS)

mutants: ## Change the gate's checks in every way, and list what no test notices
	@$(SETUP) test mutation -- python -m tests.risk.mutants

kills: ## Kill the real desk while people trade; ARGS="--help" shows the flags
	@$(SETUP) test -- python -m tests.kills $(or $(ARGS),--kills 10)

soak: ## Everything that takes hours, with its report in docs/soak.md; HOURS=2
	@mkdir -p $(SOAK)
	@$(MAKE) --no-print-directory sim ARGS="--seeds 100 --minutes 60 --json $(SOAK)/sim.json"
	@$(MAKE) --no-print-directory crash ARGS="--seeds 5 --pairs --json $(SOAK)/crash.json"
	@$(MAKE) --no-print-directory kills ARGS="--kills 100 --kill-halts 50 --json $(SOAK)/kills.json"
	@$(MAKE) --no-print-directory kills ARGS="--soak --hours $(HOURS) --json $(SOAK)/soak.json"
	@$(MAKE) --no-print-directory kills ARGS="--write-docs --with $(SOAK)/sim.json $(SOAK)/crash.json $(SOAK)/kills.json $(SOAK)/soak.json"

docs: ## Write the reference pages, the board and the alert rules from the code
	@$(SETUP) core -- python -m bot.reference
	@$(SETUP) core -- python -m deploy.monitoring

migration: ## Write the next schema revision; NAME="what changes"
	@$(SETUP) check -- python -m migrations "$(NAME)"

lock: ## Lock the requirements anew (needs the network)
	@$(SETUP) core -- python -m deploy.lock $(ARGS)

size: ## Measure what the core downloads; 60 MB is the most it may be
	@$(SETUP) core -- python -m deploy.core_size

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 11

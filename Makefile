# Everything that is done with this repository, by name.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test bench lint deps images up down smoke

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start everything on loopback, without Docker, and ask a first question
	@deploy/local/run.sh

test: ## all tests; with a Docker Engine also the compose stack
	@deploy/local/test.sh

bench: ## measure the stack's own share of latency and its throughput
	@deploy/local/deps.sh test
	cargo bench --workspace

lint: ## formatting, lints and, where cargo-deny is installed, dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check; \
	else echo 'cargo-deny is not installed: dependencies are not checked'; fi

deps: ## install the Debian packages that are missing
	@deploy/local/deps.sh test

images: ## build the images, and base images where no registry answers
	@deploy/local/images.sh

up: ## start the compose stack and wait until it is healthy
	@deploy/local/up.sh

down: ## stop the compose stack; its data stays
	@deploy/local/compose.sh down

smoke: ## start everything on loopback, ask one question, stop
	@deploy/local/run.sh --once

#!/bin/bash
# `make test`: installs what tests need, builds, and runs every test. Where a
# Docker Engine answers, and always in CI, the compose stack is tested too.
set -euo pipefail
cd "$(dirname "$0")/../.."

section() { printf '\n=== %s ===\n' "$*"; }

section 'what tests need'
deploy/local/deps.sh test

# Binaries and tests in one go: apart, cargo would compile the dependencies that
# they share with other features a second time.
section 'binaries and tests'
readonly WHAT=(--locked --workspace --lib --bins --tests)
cargo build "${WHAT[@]}"
NEXY_TEST_BINARIES=$(realpath "${CARGO_TARGET_DIR:-target}")/debug
export NEXY_TEST_BINARIES

if [ "${CI:-}" = true ] || { timeout 20 docker info && deploy/local/compose.sh version; } >/dev/null 2>&1; then
    section 'images'
    deploy/local/images.sh "$NEXY_TEST_BINARIES"
    export NEXY_TEST_COMPOSE=1
fi

# Examples in documentation are not tests here: there are none.
section 'tests'
exec cargo test "${WHAT[@]}"

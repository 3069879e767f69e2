#!/bin/bash
# `make test`: installs what tests need, builds, and runs every test. Where a
# Docker Engine answers, and always in CI, the compose stack is tested too.
set -euo pipefail
cd "$(dirname "$0")/../.."

section() { printf '\n=== %s ===\n' "$*"; }

section 'what tests need'
deploy/local/deps.sh test

section 'binaries'
cargo build --locked --workspace --bins

if [ "${CI:-}" = true ] || { timeout 20 docker info && deploy/local/compose.sh version; } >/dev/null 2>&1; then
    section 'images'
    deploy/local/images.sh
    export NEXY_TEST_COMPOSE=1
fi

# Examples in documentation are not tests here: there are none.
section 'tests'
exec cargo test --locked --workspace --lib --bins --tests

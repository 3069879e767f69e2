#!/bin/bash
# Compose, whichever version is installed, with the files that fit this
# machine: without Jaeger's image, traces go to our own OTLP sink.
#
# Usage: compose.sh ARGUMENTS-OF-COMPOSE…
# COMPOSE_FILE, when set, is used as it is.
set -euo pipefail
cd "$(dirname "$0")/../.."

if docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
elif command -v docker-compose >/dev/null; then
    compose=(docker-compose)
else
    echo 'compose: neither "docker compose" nor docker-compose is installed' >&2
    exit 1
fi

has_image() { docker image inspect "$1" >/dev/null 2>&1; }

if [ -z "${COMPOSE_FILE:-}" ]; then
    COMPOSE_FILE=docker-compose.yml
    jaeger=$(sed -n 's/^ *image: *\(jaegertracing\/.*\)$/\1/p' docker-compose.yml)
    if ! has_image "$jaeger"; then
        # Our stand-in once built, an answer has been found before.
        if has_image "nexy-tools:${NEXY_TAG:-local}" || ! timeout 300 docker pull -q "$jaeger" >/dev/null 2>&1; then
            COMPOSE_FILE=docker-compose.yml:deploy/compose/no-registry.yml
        fi
    fi
fi
export COMPOSE_FILE
exec "${compose[@]}" "$@"

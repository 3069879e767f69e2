#!/bin/bash
# Compose, whichever version is installed, with the files that fit this
# machine: where an image of others cannot be had, with our stand-ins for them.
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

# Whether every image that is not ours is here or can be pulled.
has_images_of_others() {
    local image
    for image in $(sed -n 's/^ *image: *\([^$]*\)$/\1/p' docker-compose.yml); do
        has_image "$image" && continue
        # A stand-in once built, an answer has been found before.
        ! has_image "nexy-prometheus:${NEXY_TAG:-local}" || return 1
        timeout 300 docker pull -q "$image" >/dev/null 2>&1 || return 1
    done
}

if [ -z "${COMPOSE_FILE:-}" ]; then
    COMPOSE_FILE=docker-compose.yml
    has_images_of_others || COMPOSE_FILE=docker-compose.yml:deploy/compose/no-registry.yml
fi
export COMPOSE_FILE
exec "${compose[@]}" "$@"

#!/bin/bash
# Builds the images of the compose file, and their base images where no
# registry answers.
#
# Usage: images.sh [FOLDER]
# FOLDER holds the four binaries, built on Debian 12 for this architecture;
# without it they are compiled inside Docker, for release.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly BINARIES=${1:-}
bases=()

# Left behind, it would be taken by the next build.
trap 'rm -rf prebuilt' EXIT
rm -rf prebuilt
if [ -n "$BINARIES" ]; then
    mkdir prebuilt
    for name in nexy-gateway nexy-worker nexy-update nexyctl; do
        strip -o "prebuilt/$name" "$BINARIES/$name"
    done
    export NEXY_BUILDER=debian:bookworm-slim
    bases=(--runtime-only)
fi

deploy/base-images/build.sh "${bases[@]}"
# The tools image carries testers' commands; compose alone would leave it out
# where the images of others are there.
docker build --target tools --build-arg BUILDER="${NEXY_BUILDER:-rust:1.95-slim-bookworm}" \
    -t "nexy-tools:${NEXY_TAG:-local}" .
deploy/local/compose.sh build

#!/bin/bash
# Builds the images of the compose file, and their base images where no
# registry answers.
set -euo pipefail
cd "$(dirname "$0")/../.."

deploy/base-images/build.sh
# The tools image carries testers' commands; compose alone would leave it out
# where Jaeger's image is there.
docker build --target tools -t "nexy-tools:${NEXY_TAG:-local}" .
exec deploy/local/compose.sh build

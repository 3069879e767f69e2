#!/bin/bash
# Makes a Docker Engine answer: uses one that does, else starts dockerd.
# Prints the pid of what it started, and nothing if there was one already.
#
# Usage: docker-engine.sh STATE_DIR
set -euo pipefail

readonly STATE=$(realpath -m "${1:?a folder for the engine and its images}")
readonly PATIENCE=60 # half seconds

if timeout 20 docker info >/dev/null 2>&1; then
    exit 0
fi
command -v dockerd >/dev/null || { echo 'docker-engine: dockerd is not installed' >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo 'docker-engine: no engine answers, and only root can start one' >&2; exit 1; }
mkdir -p "$STATE"

# Starts dockerd with more options; prints its pid once it answers.
start() {
    local pid attempt
    setsid dockerd --data-root "$STATE/data" --exec-root "$STATE/exec" --pidfile "$STATE/dockerd.pid" \
        "$@" >>"$STATE/dockerd.log" 2>&1 </dev/null &
    pid=$!
    for ((attempt = 0; attempt < PATIENCE; attempt++)); do
        if timeout 5 docker info >/dev/null 2>&1; then
            printf '%s\n' "$pid"
            return 0
        fi
        kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.5
    done
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    return 1
}

# Where the kernel has no iptables, containers still reach each other; where it
# has no overlay file system, every layer is a full copy.
readonly NO_FIREWALL=(--iptables=false --ip6tables=false --bridge=none)
start || start "${NO_FIREWALL[@]}" || start "${NO_FIREWALL[@]}" --storage-driver=vfs || {
    tail -n 5 "$STATE/dockerd.log" >&2
    echo 'docker-engine: dockerd does not start here' >&2
    exit 1
}

#!/bin/bash
# Installs the Debian packages that are missing.
#
# Usage: deps.sh run | test | docker
set -euo pipefail

readonly PURPOSE=${1:-run}

say() { printf 'deps: %s\n' "$*"; }
fail() { printf 'deps: %s\n' "$*" >&2; exit 1; }

# program=package; a program is looked for where root's programs are, too.
wanted=(espeak-ng=espeak-ng nginx=nginx-light cc=gcc ps=procps)
case $PURPOSE in
    run) ;;
    test) wanted+=(sox=sox) ;;
    docker) wanted+=(dockerd=docker.io docker-compose=docker-compose mmdebstrap=mmdebstrap) ;;
    *) fail "unknown purpose $PURPOSE" ;;
esac

missing=()
for pair in "${wanted[@]}"; do
    PATH=$PATH:/usr/sbin:/usr/local/sbin:/sbin command -v "${pair%%=*}" >/dev/null ||
        missing+=("${pair#*=}")
done
# The C library's headers have no program of their own.
[ -e /usr/include/stdlib.h ] || missing+=(libc6-dev)
[ -d /etc/ssl/certs ] || missing+=(ca-certificates)

if [ "${#missing[@]}" -gt 0 ]; then
    command -v apt-get >/dev/null ||
        fail "please install: ${missing[*]} (this script knows Debian and Ubuntu only)"
    as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "please install as root: ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    # The package starts a server of its own on port 80; only the program is
    # wanted.
    if [[ " ${missing[*]} " == *' nginx-light '* ]] && command -v systemctl >/dev/null; then
        "${as_root[@]}" systemctl disable --now nginx >/dev/null 2>&1 || true
    fi
fi

command -v cargo >/dev/null ||
    fail "Rust is missing: install it with rustup (https://rustup.rs), then try again"

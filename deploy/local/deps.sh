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

as_root=()
# What installing takes: apt, and root's rights.
may_install() {
    command -v apt-get >/dev/null ||
        fail "please install: $* (this script knows Debian and Ubuntu only)"
    [ "$(id -u)" = 0 ] && return
    command -v sudo >/dev/null || fail "please install as root: $*"
    as_root=(sudo)
}

if [ "${#missing[@]}" -gt 0 ]; then
    may_install "${missing[@]}"
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

# Of that package only one program is wanted, and not the server that it starts.
install_promtool() {
    local scratch
    may_install prometheus
    scratch=$(mktemp -d)
    say "installing promtool, out of prometheus"
    # apt's own user could not write there.
    local download=(apt-get download -qq -o APT::Sandbox::User=root prometheus)
    if ! (cd "$scratch" && "${download[@]}"); then
        "${as_root[@]}" apt-get update -qq
        (cd "$scratch" && "${download[@]}")
    fi
    dpkg-deb --fsys-tarfile "$scratch"/prometheus_*.deb | tar -xO ./usr/bin/promtool >"$scratch/promtool"
    "${as_root[@]}" install -m 755 "$scratch/promtool" /usr/local/bin/promtool
    rm -rf "$scratch"
}
if [ "$PURPOSE" = test ] && ! command -v promtool >/dev/null; then
    install_promtool
fi

command -v cargo >/dev/null ||
    fail "Rust is missing: install it with rustup (https://rustup.rs), then try again"

#!/bin/bash
# Makes sure that the two base images of the Dockerfile are on this machine:
# uses what is there, else pulls, else builds a stand-in under the same tag
# from Debian packages and this machine's Rust toolchain.
#
# Usage: build.sh [--no-pull] [--runtime-only]
# --no-pull does not ask a registry; --runtime-only leaves the compiler's out.
# Settings: DOCKER (command, default docker), DEBIAN_SOURCES (an apt sources
# file for bookworm; default: this machine's own).
set -euo pipefail

readonly DEBIAN_IMAGE=debian:bookworm-slim
readonly RUST_IMAGE=rust:1.95-slim-bookworm
readonly SUITE=bookworm
readonly DOCKER=${DOCKER:-docker}

pull=yes
runtime_only=
for option in "$@"; do
    case $option in
        --no-pull) pull= ;;
        --runtime-only) runtime_only=yes ;;
        *) echo "base-images: unknown option $option" >&2; exit 1 ;;
    esac
done
readonly pull runtime_only

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

say() { printf 'base-images: %s\n' "$*"; }
fail() { printf 'base-images: %s\n' "$*" >&2; exit 1; }

# Succeeds when the image is here or can be fetched.
available() {
    "$DOCKER" image inspect "$1" >/dev/null 2>&1 && { say "$1 is present"; return; }
    [ -n "$pull" ] || return 1
    timeout 600 "$DOCKER" pull -q "$1" >/dev/null 2>&1 && say "$1 was pulled"
}

# The apt sources to take packages from: files of this machine that name the
# suite itself. Third-party repositories, whose suites are called otherwise,
# stay out.
apt_sources() {
    if [ -n "${DEBIAN_SOURCES:-}" ]; then
        printf '%s\n' "$DEBIAN_SOURCES"
        return
    fi
    local file
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list; do
        if [ -s "$file" ] && grep -qE "^(Suites:|deb )(.*[[:space:]])?$SUITE([[:space:]]|\$)" "$file"; then
            printf '%s\n' "$file"
        fi
    done
}

# What apt needs to know about the network here (proxies, clock checks).
apt_settings() {
    apt-config dump --no-empty --format '%f "%v";%n' Acquire |
        grep -E '^Acquire::(http|https|Check-Valid-Until|Check-Date|Retries)' || true
}

# CA certificates that this machine trusts beyond Debian's own set, one file
# each: behind a TLS-inspecting proxy, containers need them too. Placed where
# Debian's ca-certificates picks them up whenever an image installs it.
extra_certificates() {
    local bundle=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
    mkdir -p "$1"
    [ -r "$bundle" ] || return 0
    find /usr/share/ca-certificates -name '*.crt' -exec cat {} + 2>/dev/null >"$scratch/debian.pem" || true
    awk -v dir="$1" '
        /-----BEGIN CERTIFICATE-----/ { inside = 1; body = ""; text = "" }
        inside { text = text $0 "\n"; if ($0 !~ /-----/) { gsub(/[[:space:]]/, ""); body = body $0 } }
        /-----END CERTIFICATE-----/ {
            inside = 0
            if (FILENAME == ARGV[1]) { known[body] = 1 }
            else if (!(body in known)) {
                known[body] = 1
                file = dir "/local-" ++count ".crt"
                printf "%s", text > file
                close(file)
            }
        }' "$scratch/debian.pem" "$bundle"
}

build_debian() {
    command -v mmdebstrap >/dev/null || fail "mmdebstrap is needed: apt-get install mmdebstrap"
    local sources options=()
    mapfile -t sources < <(apt_sources)
    [ "${#sources[@]}" -gt 0 ] ||
        fail "no apt source for $SUITE on this machine: set DEBIAN_SOURCES"
    apt_settings >"$scratch/apt.conf"
    [ ! -s "$scratch/apt.conf" ] || options+=(--aptopt="$scratch/apt.conf")
    # apt itself needs ca-certificates only for https mirrors; the official
    # image has none, so that a Dockerfile that forgets them is caught.
    if grep -qsE '^(URIs:|deb ).*https:' "${sources[@]}"; then
        options+=(--include=ca-certificates)
    fi
    extra_certificates "$scratch/certificates"
    # As in the official image: layers keep no downloads and no apt caches.
    printf '%s\n' 'APT::Keep-Downloaded-Packages "false";' \
        'Dir::Cache::pkgcache "";' 'Dir::Cache::srcpkgcache "";' \
        'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };' >"$scratch/no-caches"
    say "building $DEBIAN_IMAGE from ${sources[*]}"
    mmdebstrap --quiet --variant=minbase "${options[@]}" \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/info/*' \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        --dpkgopt='path-include=/usr/share/locale/locale.alias' \
        --customize-hook='mkdir -p "$1/usr/local/share/ca-certificates"' \
        --customize-hook="sync-in $scratch/certificates /usr/local/share/ca-certificates" \
        --customize-hook='if [ -x "$1/usr/sbin/update-ca-certificates" ]; then chroot "$1" update-ca-certificates >/dev/null; fi' \
        --customize-hook="upload $scratch/no-caches /etc/apt/apt.conf.d/docker-clean" \
        --customize-hook='rm -rf "$1"/var/cache/apt/*.bin "$1/var/lib/apt/lists" && mkdir -p "$1/var/lib/apt/lists/partial"' \
        --customize-hook='rm -f "$1/etc/resolv.conf" "$1/etc/hostname"' \
        "$SUITE" "$scratch/debian.tar" "${sources[@]}"
    "$DOCKER" import --change 'CMD ["bash"]' --message "stand-in made of Debian packages" \
        "$scratch/debian.tar" "$DEBIAN_IMAGE" >/dev/null
    rm -f "$scratch/debian.tar"
}

# The toolchain lies where the official image has it, without its 0.8 GB of
# documentation. The programs are linked directly: there is no rustup that
# could fetch another toolchain.
build_rust() {
    command -v rustc >/dev/null || fail "a Rust 1.95 toolchain is needed: https://rustup.rs"
    local version host toolchain root=$scratch/rust
    version=$(rustc --version | cut -d' ' -f2)
    host=$(rustc -vV | sed -n 's/^host: //p')
    toolchain=toolchains/$version-$host
    case $RUST_IMAGE in
        rust:"${version%.*}"-*) ;;
        *) fail "$RUST_IMAGE needs another toolchain than this machine's $version" ;;
    esac
    say "building $RUST_IMAGE from the toolchain $version"
    mkdir -p "$root/cargo/bin" "$root/rustup/$toolchain"
    tar -C "$(rustc --print sysroot)" --exclude=./share/doc --exclude=./share/man -cf - . |
        tar -C "$root/rustup/$toolchain" -xf -
    local program
    for program in "$root/rustup/$toolchain"/bin/*; do
        ln -s "/usr/local/rustup/$toolchain/bin/${program##*/}" "$root/cargo/bin/${program##*/}"
    done
    {
        printf 'FROM %s\n' "$DEBIAN_IMAGE"
        printf 'RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates gcc libc6-dev && rm -rf /var/lib/apt/lists/*\n'
        printf 'ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo RUST_VERSION=%s\n' "$version"
        printf 'ENV PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n'
        printf 'COPY . /usr/local/\n'
    } >"$scratch/Dockerfile"
    mv "$scratch/Dockerfile" "$root/Dockerfile"
    printf 'Dockerfile\n' >"$root/.dockerignore"
    "$DOCKER" build -q -t "$RUST_IMAGE" "$root" >"$scratch/build.log" 2>&1 || {
        cat "$scratch/build.log" >&2
        fail "$RUST_IMAGE could not be built"
    }
}

available "$DEBIAN_IMAGE" || build_debian
[ -n "$runtime_only" ] || available "$RUST_IMAGE" || build_rust
say "ready"

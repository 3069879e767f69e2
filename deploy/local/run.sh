#!/bin/bash
# `make run`: the whole product on loopback, without Docker. Builds it, starts
# it, asks a first question through the TLS door, and serves until Ctrl-C.
#
# Usage: run.sh [--once]     (--once leaves after the first question)
#
# Every port below can be set in the environment; PROFILE=release builds with
# optimisation. A config.env in this folder is read by the services.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly ONCE=${1:-}
readonly PROFILE=${PROFILE:-dev}
readonly RUN=$PWD/.run
readonly LOG=$RUN/log
readonly PIDS=$RUN/pids
readonly READY_PATIENCE=60 # seconds
readonly STOP_PATIENCE=15  # seconds; longer than SERVER_DRAIN_SECONDS
readonly QUESTION=${QUESTION:-Hello! What can you do?}

say() { printf '%s\n' "$*"; }
fail() { printf 'run: %s\n' "$*" >&2; exit 1; }

# === settings ===

export NEXY_ENV=dev NEXY_DATA_DIR=$RUN/data
export GRPC_HOST=127.0.0.1 HTTP_HOST=127.0.0.1 WORKER_HOST=127.0.0.1 UPDATE_HOST=127.0.0.1
export INGRESS_LISTEN_HOST=127.0.0.1

export INGRESS_TLS_PORT=${INGRESS_TLS_PORT:-8443} INGRESS_HTTP_PORT=${INGRESS_HTTP_PORT:-8088}
export GRPC_PORT=${GRPC_PORT:-50051} HTTP_PORT=${HTTP_PORT:-8080}
export WORKER_PORT=${WORKER_PORT:-50052} WORKER_HTTP_PORT=${WORKER_HTTP_PORT:-8082}
export UPDATE_PORT=${UPDATE_PORT:-8081} UPDATE_GRPC_PORT=${UPDATE_GRPC_PORT:-50053}
OTLP_PORT=${OTLP_PORT:-4317} TRACES_PORT=${TRACES_PORT:-4318}

export WORKER_ADDRS=127.0.0.1:$WORKER_PORT UPDATE_GRPC_ADDR=127.0.0.1:$UPDATE_GRPC_PORT
export INGRESS_GATEWAY_GRPC_ADDR=127.0.0.1:$GRPC_PORT
export INGRESS_GATEWAY_HTTP_ADDR=127.0.0.1:$HTTP_PORT
export INGRESS_UPDATE_HTTP_ADDR=127.0.0.1:$UPDATE_PORT
export UPDATE_DIR=${UPDATE_DIR:-$RUN/updates}

ports=(INGRESS_TLS_PORT INGRESS_HTTP_PORT GRPC_PORT HTTP_PORT WORKER_PORT WORKER_HTTP_PORT
    UPDATE_PORT UPDATE_GRPC_PORT)
# A collector of your own is used as it is.
own_sink=
if [ -z "${OTEL_EXPORTER_OTLP_ENDPOINT:-}" ]; then
    own_sink=yes
    ports+=(OTLP_PORT TRACES_PORT)
    export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:$OTLP_PORT
fi

case $PROFILE in
    dev) BIN=${CARGO_TARGET_DIR:-target}/debug ;;
    *) BIN=${CARGO_TARGET_DIR:-target}/$PROFILE ;;
esac

# === children ===

names=()
pids=()

# start NAME COMMAND…: in a process group of its own, so that a Ctrl-C reaches
# it once, through this script.
start() {
    local name=$1
    shift
    set -m
    "$@" >>"$LOG/$name.log" 2>&1 </dev/null &
    set +m
    names+=("$name")
    pids+=("$!")
    printf '%s\n' "$!" >"$PIDS/$name"
}

stop_all() {
    trap - EXIT
    trap '' INT TERM
    local i deadline=$((SECONDS + STOP_PATIENCE))
    if [ "${#pids[@]}" -gt 0 ]; then
        say ''
        say 'Stopping.'
        for i in "${!pids[@]}"; do
            kill -TERM "${pids[$i]}" 2>/dev/null || true
        done
        for i in "${!pids[@]}"; do
            while kill -0 "${pids[$i]}" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ]; do
                sleep 0.1
            done
            kill -KILL "${pids[$i]}" 2>/dev/null || true
            wait "${pids[$i]}" 2>/dev/null || true
        done
    fi
    rm -rf "$PIDS"
}

# Fails with the last words of a child that is gone.
check_children() {
    local i
    for i in "${!pids[@]}"; do
        kill -0 "${pids[$i]}" 2>/dev/null && continue
        wait "${pids[$i]}" 2>/dev/null && code=0 || code=$?
        say "--- the end of $LOG/${names[$i]}.log"
        tail -n 15 "$LOG/${names[$i]}.log"
        fail "${names[$i]} ended (exit code $code); everything else is stopped too"
    done
}

# wait_for NAME COMMAND…: until the command succeeds.
wait_for() {
    local name=$1 deadline=$((SECONDS + READY_PATIENCE))
    shift
    until "$@" >/dev/null 2>&1; do
        check_children
        if [ "$SECONDS" -ge "$deadline" ]; then
            tail -n 15 "$LOG/$name.log"
            fail "$name is not healthy after $READY_PATIENCE s"
        fi
        sleep 0.2
    done
}

# === before the start ===

is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# What an earlier run left behind when it was killed. A pid counts only when it
# still belongs to one of our programs.
end_leftovers() {
    local file pid
    [ -d "$PIDS" ] || return 0
    if [ -e "$PIDS/run" ] && is_ours "$(cat "$PIDS/run")" run.sh; then
        fail "it runs already: stop it with Ctrl-C there, or kill $(cat "$PIDS/run")"
    fi
    for file in "$PIDS"/*; do
        [ -e "$file" ] || continue
        pid=$(cat "$file")
        if is_ours "$pid" "$BIN/nexy"; then
            say "Ending ${file##*/} (pid $pid), left over from an earlier run."
            kill -TERM "$pid" 2>/dev/null || true
            for _ in $(seq "$((STOP_PATIENCE * 10))"); do
                kill -0 "$pid" 2>/dev/null || break
                sleep 0.1
            done
        fi
    done
    rm -rf "$PIDS"
}

is_ours() { ps -p "$1" -o args= 2>/dev/null | grep -qF -- "$2"; }

deploy/local/deps.sh run
end_leftovers
for name in "${ports[@]}"; do
    if is_taken "${!name}"; then
        fail "port ${!name} is taken: stop what listens there, or choose another with $name=… make run"
    fi
done

say "Building (profile $PROFILE)."
cargo build --locked --profile "$PROFILE" -p nexy-gateway -p nexy-worker -p nexy-update -p nexyctl

# === start ===

mkdir -p "$LOG" "$PIDS" "$NEXY_DATA_DIR" "$UPDATE_DIR"
rm -f "$LOG"/*.log
printf '%s\n' "$$" >"$PIDS/run"
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

[ -z "$own_sink" ] ||
    start traces "$BIN/nexyctl" otlp-sink --listen "127.0.0.1:$OTLP_PORT" --http "127.0.0.1:$TRACES_PORT"
start update "$BIN/nexy-update"
start worker "$BIN/nexy-worker"
start ingress "$BIN/nexyctl" ingress
wait_for worker "$BIN/nexy-worker" --healthcheck
# Last, so that it finds its worker at once.
start gateway "$BIN/nexy-gateway"
wait_for update "$BIN/nexy-update" --healthcheck
wait_for ingress "$BIN/nexyctl" ingress --healthcheck
wait_for gateway deploy/local/http-ok.sh "$HTTP_PORT" /ready

# === the first question ===

readonly DOOR=https://localhost:$INGRESS_TLS_PORT
readonly TRUST=$NEXY_DATA_DIR/tls/certificate.pem

say "Everything is healthy. Asking: $QUESTION"
say ''
if "$BIN/nexyctl" talk --server "$DOOR" --ca "$TRUST" --save answer.wav "$QUESTION"; then
    asked=0
else
    asked=$?
    check_children
    say "The first question failed; the logs in $LOG say more."
fi
[ "$ONCE" != --once ] || exit "$asked"

cat <<END

The door:     $DOOR
Talk to it:   $BIN/nexyctl talk --ca .run/data/tls/certificate.pem --server $DOOR
The sound:    answer.wav
END
[ -z "$own_sink" ] || say "Traces:       $BIN/nexyctl traces --server http://127.0.0.1:$TRACES_PORT"
say "Logs:         .run/log/"
say "Stop it:      Ctrl-C"
# From here on, leaving on request is a success.
trap 'exit 0' INT TERM

while :; do
    check_children
    sleep 1
done

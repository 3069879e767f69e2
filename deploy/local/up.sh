#!/bin/bash
# Builds and starts the compose stack, waits until its door answers, and says how to talk
# to it.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly PATIENCE=90 # seconds
readonly DOOR=https://localhost:${INGRESS_TLS_PORT:-443}
readonly TOOLS=nexy-tools:${NEXY_TAG:-local}
readonly TRUST=.run/compose-certificate.pem

compose() { deploy/local/compose.sh "$@"; }

# Quick when nothing has changed.
deploy/local/images.sh
compose up -d

deadline=$((SECONDS + PATIENCE))
until compose exec -T gateway bash -s 8080 /ready <deploy/local/http-ok.sh >/dev/null 2>&1 &&
    compose exec -T nginx nexyctl ingress --healthcheck >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$deadline" ]; then
        compose ps >&2
        compose logs --tail=20 >&2
        echo "up: not healthy after $PATIENCE s" >&2
        exit 1
    fi
    sleep 1
done

mkdir -p .run
compose exec -T nginx cat /var/lib/nexy/tls/certificate.pem >"$TRUST" 2>/dev/null || rm -f "$TRUST"
cat <<END

The door:     $DOOR
Talk to it:   docker run --rm -it --network host -v "$PWD/.run:/trust:ro" $TOOLS \\
                talk --server $DOOR --ca /trust/compose-certificate.pem
Traces:       http://127.0.0.1:${TRACES_PORT:-16686}
Metrics:      http://127.0.0.1:${METRICS_PORT:-9090} (Prometheus and its alerts)
Stop it:      make down
END
[ -z "$(compose ps -q grafana 2>/dev/null)" ] || echo "Dashboards:   http://127.0.0.1:${DASHBOARDS_PORT:-3000}"

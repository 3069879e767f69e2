# Every image of the product: one build, five targets that take their binary
# from it. Builds with BuildKit and with the legacy builder, online or with a
# vendored registry (see deploy/base-images/README.md).

# === build ===

ARG BUILDER=rust:1.95-slim-bookworm
FROM ${BUILDER} AS build
# Whatever a toolchain file in the context may say.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /src
COPY . .
# Binaries in prebuilt/ are taken as they are; `images.sh FOLDER` puts them there.
RUN mkdir /out \
 && if [ -d prebuilt ]; then cp prebuilt/* /out/; else \
        cargo build --release --locked \
            -p nexy-gateway -p nexy-worker -p nexy-update -p nexyctl \
     && cp target/release/nexy-gateway target/release/nexy-worker target/release/nexy-update \
           target/release/nexyctl /out/ \
     && rm -rf target; \
    fi

# === what the images share ===

FROM debian:bookworm-slim AS base
LABEL org.opencontainers.image.title="Nexy Server" \
      org.opencontainers.image.description="A voice assistant's server: gRPC streams in, speech out" \
      org.opencontainers.image.licenses="MIT"
# ca-certificates: providers, collectors and databases are reached over TLS.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 nexy \
 && useradd --system --uid 10001 --gid nexy --no-create-home --home-dir /var/lib/nexy \
        --shell /usr/sbin/nologin nexy \
 && install -d -o nexy -g nexy -m 0750 /var/lib/nexy /var/lib/nexy/updates /etc/nexy/internal \
        /var/lib/nexy-internal /var/lib/nexy-internal/gateway /var/lib/nexy-internal/worker \
        /var/lib/nexy-internal/update
ENV NEXY_ENV=prod \
    NEXY_DATA_DIR=/var/lib/nexy
WORKDIR /var/lib/nexy

# === gateway: gRPC for clients, /health and /status ===

FROM base AS gateway
COPY --from=build /out/nexy-gateway /usr/local/bin/
USER nexy
EXPOSE 50051 8080
HEALTHCHECK --interval=5s --timeout=4s --start-period=10s --retries=3 \
    CMD ["nexy-gateway", "--healthcheck"]
ENTRYPOINT ["nexy-gateway"]

# === worker: model, text, voice, memory ===

FROM base AS worker
RUN apt-get update \
 && apt-get install -y --no-install-recommends espeak-ng \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/nexy-worker /usr/local/bin/
USER nexy
EXPOSE 50052 8082
HEALTHCHECK --interval=5s --timeout=4s --start-period=10s --retries=3 \
    CMD ["nexy-worker", "--healthcheck"]
ENTRYPOINT ["nexy-worker"]

# === update: feeds and downloads ===

FROM base AS update
COPY --from=build /out/nexy-update /usr/local/bin/
ENV UPDATE_DIR=/var/lib/nexy/updates
USER nexy
EXPOSE 8081 50053
HEALTHCHECK --interval=5s --timeout=4s --start-period=10s --retries=3 \
    CMD ["nexy-update", "--healthcheck"]
ENTRYPOINT ["nexy-update"]

# === nginx: the public door ===

FROM base AS nginx
RUN apt-get update \
 && apt-get install -y --no-install-recommends nginx-light \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/nexyctl /usr/local/bin/
USER nexy
EXPOSE 80 443
HEALTHCHECK --interval=5s --timeout=4s --start-period=10s --retries=3 \
    CMD ["nexyctl", "ingress", "--healthcheck"]
ENTRYPOINT ["nexyctl", "ingress", "--run-dir", "/tmp/ingress"]

# === tools: nexyctl alone, also a small trace store ===

FROM base AS tools
COPY --from=build /out/nexyctl /usr/local/bin/
USER nexy
ENTRYPOINT ["nexyctl"]
CMD ["--help"]

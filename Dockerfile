# syntax=docker/dockerfile:1

FROM node:22-bookworm-slim AS page
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM rust:1.95-bookworm AS binary
WORKDIR /src
COPY . .
COPY --from=page /src/web/dist web/dist
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked && cp target/release/floodgauge /usr/local/bin/

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/floodgauge floodgauge
COPY --from=binary /usr/local/bin/floodgauge /usr/local/bin/floodgauge
USER floodgauge
WORKDIR /var/lib/floodgauge
# A container's port is reached only where it is published; see docker-compose.yml.
ENV FLOODGAUGE_LISTEN=0.0.0.0:7878 FLOODGAUGE_INSECURE_OPEN=1
EXPOSE 7878
VOLUME /var/lib/floodgauge
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["floodgauge", "healthcheck"]
ENTRYPOINT ["floodgauge"]
CMD ["serve"]

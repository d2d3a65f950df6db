# syntax=docker/dockerfile:1

FROM node:22.17.0-bookworm-slim AS page
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM rust:1.95.0-bookworm AS binary
# The image's own compiler, without the parts that only checks need.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /src
COPY . .
COPY --from=page /src/web/dist web/dist
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked && cp target/release/floodgauge /usr/local/bin/

FROM debian:12.11-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/floodgauge floodgauge \
    && install -d -o floodgauge -g floodgauge -m 700 /tokens
COPY --from=binary /usr/local/bin/floodgauge /usr/local/bin/floodgauge
USER floodgauge
WORKDIR /var/lib/floodgauge
# Nothing else is written to: the root file system may be read-only. Uploads go through TMPDIR, so
# that they don't fill a /tmp in memory. The server wants a token first; see docker-compose.yml.
ENV FLOODGAUGE_LISTEN=0.0.0.0:7878 TMPDIR=/var/lib/floodgauge
EXPOSE 7878
VOLUME /var/lib/floodgauge
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["floodgauge", "healthcheck"]
ENTRYPOINT ["floodgauge"]
CMD ["serve"]

# What people run; `make` names it. Each stage prints its name and how long it took.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Stages share one build folder, and the page must be there before the binary that embeds it.
.NOTPARALLEL:

STAGE := scripts/stage
# More for the demo or the benchmark: make demo ARGS=--exit
ARGS ?=

.PHONY: help
help:
	@echo 'make demo    build page and binary, then find the flood level of a small recipe'
	@echo 'make test    install what the tests lack, then run all of them'
	@echo 'make build   page and binary (target/release/floodgauge)'
	@echo 'make web     page only'
	@echo 'make test-fuzz  the HTTP surface under schemathesis (FUZZ_SECONDS, by default 120)'
	@echo 'make test-clients  generated clients in Python and TypeScript, each with a sweep on a real server'
	@echo 'make test-chaos  a hundred faults on each database: killed, cut off, out of disk, damaged, lost'
	@echo 'make sbom    what binary and page are made of, as CycloneDX, in sbom/'
	@echo 'make fmt     set all code out as it should be'
	@echo 'make lint    formatting, clippy, types, dependencies'
	@echo 'make bench-train  what a training step costs, beside PyTorch'
	@echo 'make bench-page   how smooth the page stays on a large sweep, how soon it is there'
	@echo 'make pictures     take the pictures in docs/img anew, of sweeps that are trained for them'
	@echo 'make bench-server what a server carries: reports, event streams, lists'
	@echo 'make check-grids  trains recipes that were recorded elsewhere, and compares'
	@echo 'make check-torch  has PyTorch train from our samples and weights, and compares'
	@echo 'make check-device DEVICE=cuda  trains on a device and on the CPU, and compares'
	@echo 'make openapi write the description of the HTTP surface and the types of the page anew'

.PHONY: demo
demo: build
	@cargo run --release --locked --quiet -- demo $(ARGS)

.PHONY: build
build: build-tools web
	@$(STAGE) 'binary' cargo build --release --locked

.PHONY: build-tools
build-tools:
	@scripts/ensure-build-tools

.PHONY: web
web: build-tools web/node_modules/.package-lock.json
	@$(STAGE) 'page' npm --prefix web run build

# npm leaves this file behind once everything is there.
web/node_modules/.package-lock.json: web/package-lock.json
	@$(STAGE) 'page: packages' npm --prefix web ci --no-audit --no-fund
	@touch $@

.PHONY: test
test: test-tools lint test-web web test-rust check-openapi test-clients test-fuzz test-browser
	@echo
	@echo 'all stages passed'

.PHONY: test-tools
test-tools: build-tools
	@$(STAGE) 'what tests need' scripts/ensure-test-tools

.PHONY: lint
lint: build-tools web/node_modules/.package-lock.json
	@$(STAGE) 'rust: format' cargo fmt --all --check
	@$(STAGE) 'page: types and format' npm --prefix web run check
	@$(STAGE) 'rust: clippy' cargo clippy --workspace --all-targets --locked -- -D warnings
	@$(STAGE) 'rust: clippy, server only' cargo clippy --no-default-features --locked -- -D warnings
	@$(STAGE) 'dependencies' scripts/deny

.PHONY: test-web
test-web: web/node_modules/.package-lock.json
	@$(STAGE) 'page: unit tests' npm --prefix web test

.PHONY: test-rust
test-rust:
	@$(STAGE) 'rust: tests' cargo test --workspace --locked

.PHONY: check-openapi
check-openapi:
	@$(STAGE) 'openapi' scripts/check-openapi

.PHONY: test-clients
test-clients: web
	@$(STAGE) 'generated clients' scripts/test-clients

.PHONY: test-fuzz
test-fuzz: web
	@$(STAGE) 'fuzz: HTTP' scripts/fuzz-http $(ARGS)

# The tests do each kind of fault once; this takes some minutes. FLOODGAUGE_CHAOS_SEED draws others.
.PHONY: test-chaos
test-chaos: test-tools
	@FLOODGAUGE_CHAOS_FAULTS=$${FLOODGAUGE_CHAOS_FAULTS:-100} \
		FLOODGAUGE_CHAOS_SWEEPS=$${FLOODGAUGE_CHAOS_SWEEPS:-20} \
		$(STAGE) 'chaos' cargo test --workspace --locked --test chaos -- --nocapture

.PHONY: test-browser
test-browser: web
	@$(STAGE) 'browser tests' scripts/browser-tests

.PHONY: openapi
openapi: web/node_modules/.package-lock.json
	@program=$$(scripts/test-binary) && "$$program" openapi > web/openapi.json.new
	@mv web/openapi.json.new web/openapi.json
	@npm --prefix web run types

.PHONY: bench-train
bench-train: build-tools
	@scripts/bench-train $(ARGS)

.PHONY: bench-server
bench-server: test-tools
	@cargo bench --no-default-features --locked --bench server -- $(ARGS)

.PHONY: sbom
sbom: build-tools
	@scripts/sbom

.PHONY: bench-page
bench-page: web
	@scripts/bench-page

.PHONY: pictures
pictures: web
	@scripts/pictures

# Takes minutes, and needs MNIST: in the folder mnist of FLOODGAUGE_DATA, or of data in the checkout.
.PHONY: check-grids
check-grids: build-tools
	@$(STAGE) 'recorded grids' cargo bench --workspace --locked --bench recorded_grids $(if $(ARGS),-- $(ARGS))

.PHONY: check-torch
check-torch: build-tools
	@$(STAGE) 'beside PyTorch' scripts/check-torch $(ARGS)

DEVICE ?= cuda
.PHONY: check-device
check-device: build-tools
	@scripts/device-check $(DEVICE)

.PHONY: fmt
fmt: web/node_modules/.package-lock.json
	@cargo fmt --all
	@npm --prefix web run format

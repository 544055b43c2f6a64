# Everything is made from here; `make` alone lists the targets. Works as root
# and not, after a bare clone, and again.

.DEFAULT_GOAL := help
.PHONY: help setup build run test e2e lint bench eval clean FORCE
MAKEFLAGS += --no-print-directory

# Where git does not trust the folder (another owner), Go cannot ask it for the
# commit and would refuse to build.
ifeq ($(shell git rev-parse HEAD 2>/dev/null),)
export GOFLAGS := $(GOFLAGS) -buildvcs=false
endif

# The race detector needs a C compiler; without one the tests run all the same.
RACE := $(if $(shell command -v "$$(go env CC 2>/dev/null)" 2>/dev/null),-race)
# Narrow or widen a run: make test PKG=./postgres/... TESTFLAGS=-v
PKG ?= ./...
TESTFLAGS ?=

web_sources = $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' -not -path 'web/e2e/*' 2>/dev/null)

help: ## Lists the targets.
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  %-12s %s\n' "$$name" "$$text"; done

setup: ## Fetches what a fresh machine lacks: Go and Node modules, PostgreSQL with pgvector.
	@scripts/setup

build: web/dist/index.html bin/cairn ## Builds bin/cairn with the web UI inside.

# Compilers collect garbage for a sixth of their time, with little of it to find. What
# they make is the same.
compiling := GOGC=400

# GOAMD64=v2 (processors of 2009 and later) counts bits without asking each time
# whether the processor can: a seventh of the time of a search by vectors. What lint
# compiles is the same, so that it is done once.
built := CGO_ENABLED=0 GOAMD64=v2
bin/cairn: FORCE
	$(compiling) $(built) go build -ldflags='-s -w' -o $@ ./cmd/cairn

web/dist/index.html: $(web_sources)
	@scripts/setup web
	cd web && npm run --silent build
	@touch $@

run: setup build ## Builds and serves the sample company; prints the address and a first question.
	@CAIRN_SAMPLE=$${CAIRN_SAMPLE:-on} exec bin/cairn serve

# What the tests of cmd/cairn run as a process apart is bin/cairn, as people have it;
# the race detector is in the tests' own processes. Some make thousands of steps on a
# real database, which a busy machine does not finish in the ten minutes of go test.
# What go test vets by itself is part of lint.
apart = $(filter ./... ./cmd/%,$(PKG))

test: setup $(if $(apart),build) ## Runs all tests, with the race detector, on a real PostgreSQL.
	$(if $(RACE),,@echo "No C compiler: the tests run without the race detector.")
	$(if $(and $(CI),$(apart)),scripts/setup clients)
	cd web && npm test --silent
	$(if $(apart),CAIRN_TEST_PROGRAM=$(CURDIR)/bin/cairn) $(compiling) go test $(RACE) -exec 'env -u GOGC' -vet=off -count=1 -timeout=40m $(TESTFLAGS) $(PKG)

e2e: setup build ## Runs the browser tests.
	@scripts/e2e

lint: setup ## Runs golangci-lint with vet, the style check, tsc and prettier.
	$(compiling) $(built) scripts/golangci-lint run
	cd scripts/bench && $(compiling) $(built) ../golangci-lint run
	$(built) go run ./scripts/style
	cd web && npm run --silent check

# BENCH=full measures 300,000 chunks instead of 15,000, which takes long;
# BENCHFLAGS chooses parts and sizes: make bench BENCHFLAGS='-parts lexical -docs 20000'
BENCH ?= quick

bench: setup build ## Measures search, ingestion and memory, as ratios in one run; BENCH=full at full size.
	cd scripts/bench && go test ./... && GOAMD64=v2 go build -o ../../bin/bench .
	bin/bench $(if $(filter full,$(BENCH)),,-quick) $(BENCHFLAGS)
	scripts/bench/server.sh
	go test -run='^$$' -bench='Sync$$' -benchtime=3x ./connectors/...
	$(if $(filter full,$(BENCH)),,go test -run='^$$' -bench='Code$$' -benchtime=1x -short ./postgres)
	go test -run='^$$' -bench=. -benchmem $(if $(filter full,$(BENCH)),./...,./cmd/cairn)

eval: setup build ## Measures quality on the bundled sets; fails under the gate.
	@scripts/eval

clean: ## Removes what was built.
	rm -rf bin web/node_modules
	find web/dist -mindepth 1 -not -name stub.html -delete

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Packages to look at, and further arguments: make test PKG=./actors/... ARGS='-run Breaker -v'
PKG ?= ./...
ARGS ?=

# The tools, built from their own module files and not from ours: each has the
# dependencies that its authors tested it with, and none of them is a requirement
# of the server. The checksum database vouches for the versions.
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
DEADCODE := golang.org/x/tools/cmd/deadcode@v0.52.0
BENCHSTAT := golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
BUF := github.com/bufbuild/buf/cmd/buf@v1.75.0

TOOLS := $(CURDIR)/.tools
build_tool = echo "building $(1)" >&2; GOBIN=$(TOOLS) go install $(1) && touch $@

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z\/-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## Start parley on 127.0.0.1:8080, with a simulated model where no provider key is set
	@go build -o bin/parley ./cmd/parley
	@exec bin/parley serve $(if $(OPENAI_API_KEY)$(ANTHROPIC_API_KEY),,--demo) $(ARGS)

.PHONY: build
build: ## Build bin/parley, one static binary
	CGO_ENABLED=0 go build -trimpath -o bin/parley ./cmd/parley

.PHONY: test
test: ## Run all tests with the race detector, and set up what they need
	@.ci/with-services go test -race -count=1 -shuffle=on -timeout=20m $(ARGS) $(PKG)
	@go test -count=1 -run '^TestATurnThatWaitsHasASmallStack$$' ./actors/conversation # the race detector adds to stacks

.PHONY: lint
lint: $(TOOLS)/golangci-lint $(TOOLS)/deadcode ## Check style, the import picture and dead code
	$(TOOLS)/golangci-lint run $(PKG)
	@echo "$(TOOLS)/deadcode -test ./..."
	@dead=$$($(TOOLS)/deadcode -test ./...); if [[ -n $$dead ]]; then echo "$$dead"; exit 1; fi

.PHONY: fmt
fmt: $(TOOLS)/golangci-lint ## Format the code as lint wants it
	$(TOOLS)/golangci-lint fmt

.PHONY: vet
vet: ## Run go vet
	go vet $(PKG)

.PHONY: vuln
vuln: $(TOOLS)/govulncheck ## Look for known vulnerabilities that the code can reach
	@.ci/vuln $(TOOLS)/govulncheck

.PHONY: generate
generate: $(TOOLS)/buf $(TOOLS)/protoc-gen-go $(TOOLS)/protoc-gen-go-vtproto ## Write the generated files anew
	@if [[ -n $$(find messages -name '*.proto' -print -quit) ]]; then PATH="$(TOOLS):$$PATH" buf generate; fi
	@PATH="$(TOOLS):$$PATH" go generate ./...

.PHONY: check-generated
check-generated: ## Fail when a generated file is not what generate writes
	@.ci/check-generated

.PHONY: chaos
chaos: ## Inject a thousand faults into a cluster, for some five hours: make chaos ARGS='-faults 100 -seed 7'
	go run ./bench/cluster -faults 1000 -only kill,freeze,partition_minority,partition_majority,partition_peers,partition_one_way,postgres_restart,redis_loss,rolling_restart,scale $(ARGS)

.PHONY: bench
bench: $(TOOLS)/benchstat ## Run benchmarks, against the last committed figures: make bench PKG=./actors/cache/index
	@mkdir -p bench/results
	go test -run '^$$' -bench . -benchmem -count 10 $(ARGS) $(PKG) | tee bench/results/new.txt
	@if [[ -f bench/results/base.txt ]]; then $(TOOLS)/benchstat bench/results/base.txt bench/results/new.txt; else $(TOOLS)/benchstat bench/results/new.txt; fi

.PHONY: clean
clean: ## Remove what was built and downloaded; data/ stays
	rm -rf bin .tools .sdk

$(TOOLS)/golangci-lint: Makefile
	@$(call build_tool,$(GOLANGCI_LINT))

$(TOOLS)/govulncheck: Makefile
	@$(call build_tool,$(GOVULNCHECK))

$(TOOLS)/deadcode: Makefile
	@$(call build_tool,$(DEADCODE))

$(TOOLS)/benchstat: Makefile
	@$(call build_tool,$(BENCHSTAT))

$(TOOLS)/buf: Makefile
	@$(call build_tool,$(BUF))

# etcd's modules replace each other in their own files, which go install refuses.
$(TOOLS)/etcd: .ci/etcd/go.mod .ci/etcd/go.sum
	@echo "building etcd" >&2
	@cd .ci/etcd && go build -o $@ go.etcd.io/etcd/server/v3 && touch $@

# The two tools that must be of the versions that what they write is linked with.
$(TOOLS)/protoc-gen-go: go.mod
	@echo "building protoc-gen-go" >&2
	@go build -o $@ google.golang.org/protobuf/cmd/protoc-gen-go

$(TOOLS)/protoc-gen-go-vtproto: go.mod
	@echo "building protoc-gen-go-vtproto" >&2
	@go build -o $@ github.com/planetscale/vtprotobuf/cmd/protoc-gen-go-vtproto

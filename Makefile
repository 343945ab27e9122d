# make help lists what there is. Nothing here asks questions, and the path may have spaces.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
CLI := github.com/minos-framework/minos-go/cmd/minos/internal/cli

# The versions are in the names of the files, so that a new one is built and an old one never runs.
LINT := bin/golangci-lint-v2.15.0
RELEASE := bin/goreleaser-v2.15.0

.PHONY: help build test check lint format bench e2e images release-check clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

build: ## bin/minos: no C compiler, stripped, as it is released
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X $(CLI).version=$(VERSION)' -o bin/minos ./cmd/minos

test: ## everything: installs what is missing, starts real servers, unit to end-to-end (<= 25 minutes)
	e2e/setup/with-servers.sh e2e/setup/test.sh

check: lint ## the inner loop: format, vet, lint and the tests that need no server
	go vet -tags integration,e2e ./...
	go test ./...

lint: $(LINT) ## .golangci.yml, formatting included, over production, test and dev files
	$(LINT) run ./...
	$(LINT) run --build-tags dev ./templates/service/...

format: $(LINT) ## write the formatting that lint asks for
	$(LINT) fmt

bench: ## out/bench.json: our numbers beside the limits', from one run
	mkdir -p out
	e2e/setup/with-servers.sh go run ./e2e/bench

e2e: ## the end-to-end tests alone
	e2e/setup/with-servers.sh e2e/setup/test.sh e2e

images: ## the base images of deployed services, built on this machine
	e2e/setup/machine.sh
	e2e/images/build.sh

release-check: $(RELEASE) ## goreleaser's own check of goreleaser.yaml
	$(RELEASE) check

clean: ## remove what was built here; Docker images and package caches stay
	rm -rf bin dist out

# install-tool PACKAGE: builds a tool from its module, away from this module and its requirements.
define install-tool
	GOBIN="$(CURDIR)/$@.new" GOFLAGS= go install -trimpath $(1)@$(lastword $(subst -v, v,$@))
	mv $@.new/* $@
	rmdir $@.new
endef

$(LINT):
	$(call install-tool,github.com/golangci/golangci-lint/v2/cmd/golangci-lint)

$(RELEASE):
	$(call install-tool,github.com/goreleaser/goreleaser/v2)

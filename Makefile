# `make` alone lists the targets.
SHELL := /bin/bash
LAB ?= eucalab
BIN := bin/eucactl bin/lab
PACKAGES := openssh-server openssh-client sudo isc-dhcp-server iptables nftables ipset conntrack bridge-utils iproute2 \
  qemu-system-x86 qemu-utils libvirt-daemon-system libvirt-clients libvirt-daemon-driver-qemu libxml2-utils \
  busybox-static dropbear-bin udhcpc kmod linux-image-cloud-amd64 cpio iputils-ping arping tcpdump e2fsprogs dosfstools \
  dash gawk mawk netcat-openbsd procps util-linux shellcheck ansible-core user-mode-linux vlan \
  systemd init-system-helpers sysvinit-utils patch dnf rpm createrepo-c git curl zip unzip bzip2 xz-utils zstd

.PHONY: help demo demo-down test unit e2e lint bench fuzz soak mutants golden lab-up lab-down build packages

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: packages build ## from nothing to the words of a guest that eucactl started (as root, on Debian 12)
	@LAB=$(LAB) e2e/demo.sh

test: packages build ## all tests: units, task kinds on real tools, stories on real hosts
	e2e/test.sh

unit: ## the tests that need no hosts
	go vet ./... && go test ./cloud ./inventory ./state ./plan ./images ./seed ./ordered ./jinja ./templates ./playbooks ./facts ./controller ./cmd/...

e2e: packages build ## the stories on real hosts
	go test -count=1 -timeout 20m ./e2e/...

lint: packages ## gofmt, go vet, shellcheck, and golangci-lint where it is installed
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	shellcheck -s sh -e SC2034,SC2153,SC2154 $$(git ls-files 'tasks/*.sh') # kinds and prelude share variables
	shellcheck -e SC2187 $$(git ls-files 'e2e/*.sh' 'sim/*.sh')
	@if command -v golangci-lint >/dev/null; then golangci-lint run; else echo "golangci-lint is not installed: skipped"; fi

bench: packages build ## figures: ours and the floor side by side, measured in one run
	@e2e/packages.sh ansible-mitogen
	go test -count=1 -timeout 30m -run '^$$' -bench . -benchtime 1x ./e2e/bench

fuzz: ## each fuzz target for FUZZTIME (30s)
	e2e/fuzz.sh $${FUZZTIME:-30s}

soak: packages build ## every kill point, wreck, shell and 100,000 histories instead of CI's sample
	go test -count=1 -timeout 1h ./plan -rapid.checks=3000
	bin/eucactl sim --histories 100000
	EUCACTL_SOAK=1 go test -count=1 -timeout 6h ./tasks ./e2e/...

mutants: ## break the product on purpose, one way after the other: the laws must catch each
	sim/mutants.sh

golden: ## rewrite the golden files
	go test ./playbooks ./templates ./plan ./inventory -update

lab-up: packages build ## a frontend, two nodes and an outside client; KERNEL=own and MODE=MANAGED for VLANs
	@LAB=$(LAB) e2e/lab.sh $(if $(KERNEL),--kernel $(KERNEL)) $(if $(MODE),--mode $(MODE))

lab-down: build ## remove the lab, also after a crash
	bin/lab down --name $(LAB)

demo-down: lab-down ## remove what the demo made

build: ## bin/eucactl and bin/lab
	@mkdir -p bin
	go build -o bin/eucactl ./cmd/eucactl
	go build -o bin/lab ./e2e/lab/cmd/lab

packages: ## install what is missing of Debian's packages
	@e2e/packages.sh $(PACKAGES)

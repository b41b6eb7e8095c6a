# Everyday commands; `just` lists them.

set positional-arguments

# List the recipes
default:
    @just --list --unsorted

# Install what building needs and this machine lacks
setup:
    scripts/setup

# Format everything
fmt:
    cargo fmt --all

# Lints, as CI runs them
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Every test; arguments go to cargo test
test *arguments:
    scripts/test "$@"

# A million wagers through the demo pipeline; --rows N for another number
demo *arguments:
    scripts/demo "$@"

# Compile the transforms and the test guests to modules/*.wasm
guests: program
    target/debug/millrace build transforms
    target/debug/millrace build tests/guests

# Write the golden files anew, from what is printed and loaded now: look at the difference after
golden:
    UPDATE_GOLDEN=1 scripts/test golden

# What a call of a module costs, in an optimised build
bench *arguments='modules/wager_revenue.wasm': guests
    cargo run --release --quiet --package millrace --bin millrace -- bench "$@"

# Every figure beside its gate, on an idle machine: docs/benchmarks.md says what they are
benchmarks *arguments:
    scripts/bench "$@"

# Documentation of the SDK, opened in a browser
doc:
    cargo doc --no-deps --package millrace-sdk --open

# Start a transform of your own, as a copy of transforms/identity
new-transform name:
    scripts/new-transform "{{name}}"

# What must hold before a change is taken
ci:
    .ci/run

# The program, as tests and the demo use it
[private]
program:
    cargo build --workspace --exclude '*-guest' --bins --examples

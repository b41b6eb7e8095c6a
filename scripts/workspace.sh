# What the scripts share; sourced, never run. Leaves the caller in the workspace's folder.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# One selection of packages for every cargo command: cargo resolves the features of shared
# dependencies for what is selected, and another selection would compile them again. Test guests are
# WebAssembly only; `millrace build` compiles them.
workspace=(--workspace --exclude '*-guest')

# Says what happens, on stderr: stdout is for results.
say() { printf '%s\n' "$*" >&2; }

# Ends the script with a sentence that says what to do.
fail() {
    say "$0: $*"
    exit 1
}

# The folder that cargo builds into, wherever the user put it.
target_directory() {
    cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# Builds the program and the examples, and puts the program first on the path. `--examples` makes
# cargo resolve features as `cargo test` does, so that both share every dependency.
build_millrace() {
    cargo build "${workspace[@]}" --bins --examples
    target=$(target_directory)
    export PATH="$target/debug:$PATH"
}

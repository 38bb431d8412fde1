#!/usr/bin/env bash
# Everything that has to be green, in the order in which it fails fastest. From a clean checkout on two cores it takes
# less than half an hour, most of it compiling.
#
#   tests/run.sh
#
# Installs the few programs that tests talk to, where they are missing and apt-get is there.
set -euo pipefail
cd "$(dirname "$0")/.."

# The program, and the Debian package it comes from.
needed=(age:age jq:jq python3:python3 pass:pass gpg:gnupg)

install_missing() {
    local packages=() pair
    for pair in "${needed[@]}"; do
        command -v "${pair%%:*}" >/dev/null || packages+=("${pair##*:}")
    done
    ((${#packages[@]})) || return 0
    local sudo=()
    if ((EUID != 0)); then
        if ! command -v sudo >/dev/null; then
            echo "error: missing: ${packages[*]}; install them, or run this as root" >&2
            return 1
        fi
        sudo=(sudo)
    fi
    if ! command -v apt-get >/dev/null; then
        echo "error: missing: ${packages[*]}; there is no apt-get here, so install them by hand" >&2
        return 1
    fi
    "${sudo[@]}" apt-get update -q
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${packages[@]}"
}

# Servers that tests start throw-away instances of. Without them those tests are skipped, and say so.
install_servers() {
    # shellcheck source=/dev/null
    source tests/servers.sh || echo "note: not every server is here; their tests are skipped"
}

# Types what the README says under "Use it", and opens the ledger that comes of it without rotakey.
readme_start() (
    local binary typed
    cargo build --locked --bin rotakey
    binary=$(cargo metadata --locked --no-deps --format-version 1 | jq -r .target_directory)/debug
    typed=$(sed -n '/^rotakey init/,/^```$/p' README.md | sed '$d')
    directory=$(mktemp -d)
    trap 'rm -rf "$directory"' EXIT
    export HOME=$directory PATH=$binary:$PATH
    cd "$directory"
    bash -eux -c "$typed"
    age -d -i identity.txt ledger.json.age | jq -e 'tostring | contains("session")'
    test "$(sed -n 's/^SESSION_KEY=//p' .env | tr -d '\n' | wc -c)" -eq 48
)

# Runs a command under a heading, and says how long it took.
step() {
    local began=$SECONDS
    echo
    echo "== $*"
    "$@"
    echo "== took $((SECONDS - began)) s: $*"
}

if ! command -v cargo >/dev/null; then
    echo "error: cargo is missing; see https://rustup.rs" >&2
    exit 1
fi
step install_missing
step install_servers
step cargo fmt --check
step cargo clippy --locked --all-targets -- -D warnings
step env RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps
# Not --all-targets: that would run the benchmarks as well.
step cargo test --locked --lib --bins --tests --examples
step cargo test --locked --doc
step cargo run --locked --example demo
step readme_start
echo
echo "== all green after $SECONDS s"

#!/bin/sh
# digits.sh FEATURES ARGUMENT…: builds the program and runs it. Where something has to be compiled,
# cargo's progress is shown; where the program is up to date, nothing is. Standard output is the
# program's alone.
features=$1
shift

# Cargo's messages, unless there is but one: that a build without work is finished.
show() {
    IFS= read -r first || return
    case $first in *Finished*) return ;; esac
    [ -e target/release/digits ] ||
        echo "building digits; the first time this takes 10 to 20 minutes on two cores, later seconds"
    printf '%s\n' "$first"
    cat
}

# Cargo writes to a pipe here; in a terminal it is told to draw its bar nevertheless.
build() {
    if [ -t 2 ] && size=$(stty size <&2); then
        CARGO_TERM_COLOR=always CARGO_TERM_PROGRESS_WHEN=always CARGO_TERM_PROGRESS_WIDTH=${size#* }
        export CARGO_TERM_COLOR CARGO_TERM_PROGRESS_WHEN CARGO_TERM_PROGRESS_WIDTH
    fi
    # shellcheck disable=SC2086 # no feature is no argument
    cargo build --release --bin digits $features 2>&1
}

# The status of `build` leaves the pipe through descriptor 3.
status=$({ { build; echo $? >&3; } | show >&2; } 3>&1)
[ "$status" -eq 0 ] || exit "$status"
# shellcheck disable=SC2086
exec cargo run --quiet --release --bin digits $features -- "$@"

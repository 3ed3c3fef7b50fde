#!/bin/sh
# digits.sh FEATURES ARGUMENT…: builds the program and runs it. Where something has to be compiled,
# cargo's progress is shown; where the program is up to date, nothing is. Standard output is the
# program's alone.
features=$1
shift

# Prints the program's path, and at the end cargo's exit status.
build() {
    # Cargo writes to a pipe here; in a terminal it is told to draw its bar nevertheless.
    if [ -t 2 ] && size=$(stty size <&2); then
        CARGO_TERM_COLOR=always CARGO_TERM_PROGRESS_WHEN=always CARGO_TERM_PROGRESS_WIDTH=${size#* }
        export CARGO_TERM_COLOR CARGO_TERM_PROGRESS_WHEN CARGO_TERM_PROGRESS_WIDTH
    fi
    # shellcheck disable=SC2086 # no feature is no argument
    { cargo build --release --bin digits $features --message-format json-render-diagnostics 2>&4
        echo "status $?"; } | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p; /^status /p'
}

# Cargo's messages, unless there is but one: that a build without work is finished.
show() {
    IFS= read -r first || return
    case $first in *Finished*) return ;; esac
    [ -e target/release/digits ] ||
        echo "building digits; the first time this takes 10 to 20 minutes on two cores, later seconds"
    printf '%s\n' "$first"
    cat
}

# What `build` prints goes around the pipe to `show`, which takes cargo's messages.
built=$({ { build 4>&1 >&3 3>&-; } | show >&2; } 3>&1)
status=${built##*status }
[ "$status" = 0 ] || exit "$status"
exec "${built%
status*}" "$@"

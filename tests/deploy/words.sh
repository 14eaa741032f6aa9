# shellcheck shell=bash
# What the scripts here say, and how they fail. Read by them, not run.

current=preparation

# step WHAT: what is shown next.
step() {
    current=$1
    printf -- '-- %s\n' "$current"
}

# fail WHY: ends the script.
fail() {
    printf '%s: %s\n' "$current" "$1" >&2
    exit 1
}

# equal FOUND WANTED WHAT
equal() {
    [ "$1" = "$2" ] || fail "$3: found '$1', wanted '$2'"
}

# ended STATUS: the last word, where it is not a good one.
ended() {
    [ "$1" -eq 0 ] || printf 'failed: %s (after %s s)\n' "$current" "$SECONDS" >&2
    return "$1"
}

# needs PROGRAM PACKAGE…: a program of the system, and the Debian packages that bring it.
needs() {
    local program=$1
    shift
    if command -v "$program" >/dev/null; then return; fi
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"
    else
        printf '%s is missing: apt-get install %s\n' "$program" "$*" >&2
        return 1
    fi
}

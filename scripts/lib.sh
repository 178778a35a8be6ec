# Shared by the scripts of this folder; sourced, never run.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Tools and builds that are worth keeping across checkouts.
cache=${MIAOBU_CACHE_DIR:-${HOME:-/tmp}/.cache/miaobu}

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $1"; shift; for hint in "$@"; do say "hint: $hint"; done; exit 1; }

# Prints the comment block at the head of the calling script, then ends with the status given.
usage() {
  awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0" >&2
  exit "${1:-2}"
}

# Runs a command quietly; what it printed is shown only when it fails.
quietly() {
  local log status
  log=$(mktemp)
  "$@" >"$log" 2>&1 && status=0 || status=$?
  [ "$status" = 0 ] || cat "$log" >&2
  rm -f "$log"
  return "$status"
}

# need_packages WHY COMMAND=PACKAGE…: installs the Debian packages whose command is not there.
need_packages() {
  local why=$1 pair missing=()
  shift
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "missing: ${missing[*]} ($why)" "install them with your system's package manager"
  local sudo=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "missing: ${missing[*]} ($why)" "run as root: apt-get install ${missing[*]}"
    sudo=(sudo)
  fi
  say "installing ${missing[*]}: $why"
  local install=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}")
  # The package index may be missing or stale: it is refreshed only when the first try fails.
  "${install[@]}" >/dev/null 2>&1 && return 0
  quietly "${sudo[@]}" apt-get update || die "apt-get update failed"
  quietly "${install[@]}" || die "could not install ${missing[*]}"
}

need_rust() {
  # rustup's own folder is not on the PATH of every shell.
  command -v cargo >/dev/null || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
  command -v cargo >/dev/null || die "Rust is missing" "install it with rustup (https://rustup.rs), then run this again"
  need_packages "a C compiler, for SQLite and ring" cc=build-essential
}

# need_node WHY: Node 20 or newer.
need_node() {
  need_packages "$1" node=nodejs npm=npm
  [ "$(node -p 'parseInt(process.versions.node)')" -ge 20 ] || die "Node $(node --version) is too old ($1)" "install Node 20 or newer"
}

# Sets $node_tools to a folder whose node_modules has what openapi/tools/package.json names.
need_node_tools() {
  need_node "programs that work on the API's document"
  local files=("$root"/openapi/tools/{package.json,package-lock.json,.npmrc})
  node_tools=$cache/openapi-node-$(cat "${files[@]}" | cksum | cut -d' ' -f1)
  (
    mkdir -p "$cache"
    # Two runs may find it missing at the same time.
    flock 9
    [ ! -e "$node_tools/ready" ] || exit 0
    mkdir -p "$node_tools"
    cp "${files[@]}" "$node_tools"
    quietly npm --prefix "$node_tools" ci && touch "$node_tools/ready"
  ) 9>"$cache/openapi-tools.lock" || die "could not install the programs of openapi/tools"
}

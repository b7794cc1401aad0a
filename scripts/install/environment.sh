# The Python environment of a version: from the lock file alone, tried on this very processor.
# shellcheck shell=bash disable=SC2154

stamp() { # of everything that the environment is made from
  (cd "$here" && { python3 -V; has_camera_packages && echo "with Debian's"; cat "requirements/$lock" pyproject.toml
    find edge sync models tower_sync_server scripts/install/way_back -type f ! -path '*/__pycache__/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  } | sha256sum | cut -c1-16)
}

environment() {
  local version target work llama
  version=$(stamp)
  target=$(target_of "$version")
  if [ ! -e "$target/.whole" ]; then
    # Where the power went before, pip's cache may have empty files, and pip 25 stops at those.
    [ ! -e "$target" ] || export PIP_NO_CACHE_DIR=1
    rm -rf "$target"
    mkdir -p "$home/versions"
    python3 -m venv "$target"
    pip() { "$target/bin/python" -m pip --disable-pip-version-check "$@"; }
    if [ -n "$offline" ]; then export PIP_NO_INDEX=1 PIP_FIND_LINKS=$offline/wheels PIP_CONFIG_FILE=/dev/null; fi
    # Wheels alone: a Pi compiles for an hour, and what was compiled elsewhere may not run on it.
    pip install --require-hashes --only-binary :all: -r "$here/requirements/$lock"
    work=$(mktemp -d)
    # shellcheck disable=SC2064  # now: the function's variables are gone by then
    trap "rm -rf '$work'" EXIT
    (cd "$here" && tar -c --exclude=__pycache__ pyproject.toml README.md LICENSE edge sync models tower_sync_server) | tar -x -C "$work"
    pip install --no-deps "$work"
    "$target/bin/${commands[0]}" --help
    if has_camera_packages; then see_debians "$target"; fi
    llama=$(fitting_wheels)
    [ -z "$llama" ] || pip install --no-index --no-deps "$llama"/*.whl
    runs_here "$target" ${llama:+llama_cpp}
    cp -R "$here/scripts/install/way_back" "$target/"
    sync -f "$target"
    touch "$target/.whole"
    sync "$target/.whole" "$target"
  elif [ "$(readlink -f "$home/current")" = "$target" ] && [ -e "/usr/local/bin/${commands[0]}" ]; then
    exit "$ALREADY"
  fi
  touch "$changed"
  point "$target" "$home/current"
  for command in "${commands[@]}"; do point "$home/current/bin/$command" "/usr/local/bin/$command"; done
}

has_camera_packages() { [ "$role" = device ] && has_package python3-picamera2; }

see_debians() { # ENVIRONMENT : after its own packages, Debian's; libcamera is nowhere else
  # Not --system-site-packages: that has Python look into the service's own data folder too, before Debian's.
  local site
  site=$(echo "$1"/lib/python3*/site-packages)
  echo /usr/lib/python3/dist-packages >"$site/debian.pth"
  if ! "$1/bin/python" -I -c 'import picamera2'; then
    rm "$site/debian.pth"
    touch "$1/.no-camera"
  fi
}

fitting_wheels() { # the bundle's folder with llama-cpp-python for this machine (scripts/build-wheelhouse), or nothing
  local core
  [ "$role" = device ] && [ -n "$offline" ] || return 0
  case $(machine_of "$model_text" "$(dpkg --print-architecture)") in
    "Raspberry Pi 4") core=a72 ;;
    "Raspberry Pi 5") core=a76 ;;
    "no Raspberry Pi, amd64") core=amd64 ;;
    *) return 0 ;;
  esac
  [ ! -d "$offline/llama-$core" ] || echo "$offline/llama-$core"
}

runs_here() { # ENVIRONMENT [MODULE] : a package for another processor dies here, and not in service
  local part status
  for part in ${native//,/ } ${2:-}; do
    status=0
    (cd / && "$1/bin/python" -I "$here/scripts/install/exercise.py" "$part") || status=$?
    case $status-$part in
      0-llama_cpp) rm -f "$1/.no-writer" ;;
      0-*) ;;
      *-xllamacpp | *-llama_cpp) # only the writer needs them, and the template writes meanwhile
        echo "$part can't work: $(what_ended "$status")"
        "$1/bin/python" -m pip uninstall -q -y "${part/#llama_cpp/llama-cpp-python}"
        [ "$part" = llama_cpp ] || touch "$1/.no-writer" ;;
      *) echo "$part can't work: $(what_ended "$status")"; return 1 ;;
    esac
  done
}

what_ended() { # EXIT STATUS
  case $1 in
    132) echo "an illegal instruction; it was built for another processor than $(machine_of "$model_text" "$(uname -m)")" ;;
    139) echo "it crashed" ;;
    *) echo "exit status $1" ;;
  esac
}

tell_of_environment() {
  [ ! -e "$home/current/.no-writer" ] || warn "the language model's package doesn't run on this processor" "summaries come from the template; $log"
  [ ! -e "$home/current/.no-camera" ] || warn "picamera2 can't be used from here, so that the Pi's own camera doesn't work" "$log"
}

discard() { # ENVIRONMENT… : first what says that it is whole, for whoever comes after a cut
  rm -f "${@/%//.whole}"
  rm -rf "$@"
}

target_of() { # VERSION : its whole environment, or where to make one: never over what serves
  local each
  for each in "$home/versions/$1"*; do
    if [ -e "$each/.whole" ]; then echo "$each"; return; fi
  done
  each=$home/versions/$1
  while [ "$(readlink -f "$home/current" || true)" = "$each" ]; do each+=-again; done
  echo "$each"
}

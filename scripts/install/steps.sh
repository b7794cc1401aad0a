# Ticked steps and the log. A step is a function; it runs in a shell of its own, with its output in the log.
# shellcheck shell=bash disable=SC2154  # the variables of install.sh

ALREADY=99 # the exit status of a step that had nothing to do
mended=()  # the titles of those that had

begin_log() { # TITLE
  if [ -n "$dry" ]; then log=/dev/null; return; fi
  exec 9>/run/lock/edgecase-install.lock
  flock -n 9 || die 1 "another install.sh is running"
  (umask 077; touch "$log")
  log_line "begin: $1"
}

log_line() { printf '%s %s\n' "$(date -Is)" "$*" >>"$log"; }

say() { printf '%s\n' "$*"; log_line "$*"; }

warn() { say "  ! $1${2:+ — $2}"; }

step() { # TITLE COMMAND… : one line for people, the rest for the log
  local title=$1 status
  shift
  if [ -n "$dry" ]; then say "  · $title"; return; fi
  [ ! -t 1 ] || printf '  … %s\r' "$title"
  set +e # in an `if`, a failure inside the step would not end it
  (set -e; "$@") </dev/null >>"$log" 2>&1
  status=$?
  set -e
  case $status in
    0) say "  ✓ $title"; mended+=("$title") ;;
    "$ALREADY") say "  ✓ $title (as it was)" ;;
    *) say "  ✗ $title"
       tail -n 8 "$log" | sed 's/^/      /' >&2
       die 1 "stopped here; run it again once that is mended. The whole log: $log" ;;
  esac
}

confirm() { # QUESTION : true where somebody agreed
  local answer
  [ -z "$yes" ] || return 0
  [ -t 0 ] || die 2 "$1 Nobody is here to answer: add --yes."
  read -r -p "$1 [y/N] " answer
  [[ $answer == [yY]* ]]
}

has_systemd() { [ -d /run/systemd/system ]; }

installed() { [ -x "$home/current/bin/${commands[0]}" ]; }

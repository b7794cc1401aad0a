# To another version and, where that one isn't healthy, back. What was taken in meanwhile is kept either way.
# shellcheck shell=bash disable=SC2154

SETTLE_S=15 # a service that has started has to stay up so long

upgrade() {
  installed || die 3 "EdgeCase isn't installed here: sudo ./install.sh"
  settle_upgrade
  if [ -z "$dry" ] && ! systemctl is-active -q "${units[@]}"; then
    die 1 "What is installed isn't healthy, so that there is nothing to go back to. Mend it first (systemctl status $name), or take this version without a way back: sudo ./install.sh"
  fi
  if [ -e "/etc/edgecase/$settings" ] && names_a_server "/etc/edgecase/$settings" && ! command -v pg_dump >/dev/null; then
    warn "no copy of your PostgreSQL is made: pg_dump isn't here" "sudo apt install postgresql-client, or see to it that you have one"
  else
    step "copy of the database" copy_of_database
  fi
  step "the version before: what it takes to go back" note_before
  # Whatever fails from here on, or interrupts: what is in place then is judged.
  [ -n "$dry" ] || trap settle_upgrade EXIT
  put_files
  [ -z "$dry" ] || return 0
  trap - EXIT
  settle_upgrade
  step "versions before the last one" forget_old_versions
}

names_a_server() { # SETTINGS : whether the database isn't a file of the tower's own
  grep -Eq "^[[:space:]]*dsn[[:space:]]*=[[:space:]]*[\"'][^\"']" "$1"
}

copy_of_database() {
  local own="$home/current/bin/${commands[0]}"
  if [ "$role" = tower ]; then
    "$own" backup --help || exit "$ALREADY" # a version that knows none
    [ -e "$data/archive.db" ] || names_a_server "/etc/edgecase/$settings" || exit "$ALREADY" # nothing yet
  fi
  (cd / && runuser -u "$name" -- "$own" backup)
}

note_before() {
  local unit file
  rm -rf "$home/.before"
  mkdir -p "$home/.before.new/files"
  while read -r file; do [ ! -e "$file" ] || cp -a --parents "$file" "$home/.before.new/files"; done < <(places)
  for unit in "${units[@]}" "${timers[@]}" "${timers[@]/%.timer/.service}"; do
    [ ! -e "/etc/systemd/system/$unit" ] || cp -a "/etc/systemd/system/$unit" "$home/.before.new/"
  done
  readlink -f "$home/current" >"$home/.before.new/version"
  sync -f "$home/.before.new"
  mv -T "$home/.before.new" "$home/.before"
}

settle_upgrade() { # one that was cut off as well
  local before
  [ -z "$dry" ] && [ -e "$home/.before/version" ] || return 0
  before=$(cat "$home/.before/version")
  if [ "$(readlink -f "$home/current")" = "$before" ] && [ ! -e "$home/.changed" ]; then
    rm -rf "$home/.before"
  elif healthy; then
    say "  ✓ the new version is healthy"
    rm -rf "$home/.before"
  else
    say "  ✗ the new version isn't healthy"
    step "back to the version before" back_to "$before"
    die 1 "the version before serves again. What was wrong with the new one: $log, journalctl -u $name"
  fi
}

healthy() { # ready, which for a device means that it can take a photo, and still so after a while
  local starts
  (start_units) </dev/null >>"$log" 2>&1 || [ $? -eq "$ALREADY" ] || return 1
  starts=$(systemctl show -p NRestarts --value "${units[@]}")
  sleep "$SETTLE_S"
  systemctl is-active -q "${units[@]}" && [ "$starts" = "$(systemctl show -p NRestarts --value "${units[@]}")" ]
}

back_to() { # FOLDER of a version
  local unit
  systemctl stop "${units[@]}" "${timers[@]}" || true
  point "$1" "$home/current"
  for unit in "${timers[@]}"; do
    [ -e "$home/.before/$unit" ] || { systemctl disable "$unit"; rm -f "/etc/systemd/system/$unit" "/etc/systemd/system/${unit%.timer}.service"; }
  done
  find "$home/.before" -maxdepth 1 -name 'edgecase*' -exec cp -a {} /etc/systemd/system/ \;
  places | tr '\n' '\0' | xargs -0 -r rm -f
  [ ! -d "$home/.before/files" ] || cp -a "$home/.before/files/." /
  take_up
  if [ "$role" = device ]; then
    (cd / && runuser -u "$name" -- "$1/bin/python" -I - <"$here/scripts/install/readable.py")
  fi
  # Only now: cut off before, it would be done again.
  rm -rf "$home/.before"
  touch "$home/.changed"
  timers=() # those of the version before start with the machine
  start_units
}

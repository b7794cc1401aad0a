# To another version and, where that one isn't healthy, back. What was taken in meanwhile is kept either way.
# shellcheck shell=bash disable=SC2154

upgrade() {
  installed || die 3 "EdgeCase isn't installed here: sudo ./install.sh"
  settle_upgrade
  if [ -z "$dry" ] && ! each_unit is-active "${units[@]}"; then
    die 1 "What is installed isn't healthy, so that there is nothing to go back to. Mend it first (systemctl status $name), or take this version without a way back: sudo ./install.sh"
  fi
  if [ -e "/etc/edgecase/$settings" ] && names_a_server "/etc/edgecase/$settings" && ! command -v pg_dump >/dev/null; then
    warn "no copy of your PostgreSQL is made: pg_dump isn't here" "sudo apt install postgresql-client, or see to it that you have one"
  else
    step "copy of the database" copy_of_database
  fi
  step "the version before: what it takes to go back" note_before
  # Whatever fails from here on, or interrupts: only what is whole and healthy stays.
  [ -n "$dry" ] || trap settle_upgrade EXIT
  put_files
  [ -z "$dry" ] || return 0
  : >"$home/.before/complete"
  sync "$home/.before"
  trap - EXIT
  settle_upgrade
  rm -f "$home/went-back"
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
  local place own fresh='' new=$home/.before.new
  # What judges when the machine starts has to be there before anything else is changed.
  put "$settler" "$UNITS/$settler"
  systemctl enable "$settler"
  sync -f "$UNITS"
  rm -rf "$home/.before" "$new"
  mkdir -p "$new/files"
  own=$(readlink -f "$home/current")
  # Of the version that is gone back to; one from before there was any has none.
  cp "$([ -e "$own/way_back/settle" ] && echo "$own" || echo "$here/scripts/install")"/way_back/* "$new/"
  echo "$own" >"$new/version"
  printf '%s\n' "${units[@]}" >"$new/units"
  { unit_places; places; } >"$new/places"
  while read -r place; do [ ! -e "$place" ] || cp -a --parents "$place" "$new/files"; done <"$new/places"
  sync -f "$new"
  mv -T "$new" "$home/.before"
  sync "$home"
}

unit_places() {
  printf "$UNITS/%s\n" "${units[@]}" "${units[@]/%/.d/backoff.conf}" "${timers[@]}" "${timers[@]/%.timer/.service}"
}

settle_upgrade() { # one that was cut off as well: after that, what was asked for goes on
  local status=0
  [ -z "$dry" ] && [ -e "$home/.before/settle" ] || return 0
  bash "$home/.before/settle" || status=$?
  [[ $status == [02] ]] || die 1 "the version before serves again. What was wrong with the new one: $log, journalctl -u $name"
}

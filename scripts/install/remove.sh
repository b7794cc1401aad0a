# Takes EdgeCase off the machine again.
# shellcheck shell=bash disable=SC2154

uninstall() {
  step "stop and forget ${units[*]}" forget_units
  leave_home
  step "remove the program from $home" forget_program
  say "Settings are still in /etc/edgecase/$settings and data in $data; --purge removes them too."
}

purge() {
  [ -n "$dry" ] || confirm "Remove $name with all its cases, photos, models and settings?" || die 2 "nothing was removed"
  step "stop and forget ${units[*]}" forget_units
  leave_home
  step "remove the program from $home" forget_program
  step "remove settings and $data" forget_data
}

# After the service has stopped, or it would be announced again; where the broker of Home Assistant
# can't be reached the rest goes on.
leave_home() {
  local title="have Home Assistant forget $name"
  [ "$role" = device ] || return 0
  if [ -n "$dry" ]; then say "  · $title"; return; fi
  [ -x /usr/local/bin/edgecase ] || return 0
  if (cd / && timeout 30 runuser -u "$name" -- /usr/local/bin/edgecase home-assistant clear) </dev/null >>"$log" 2>&1; then
    say "  ✓ $title"
  else
    warn "Home Assistant still lists this device" "its broker can't be used; remove the device there by hand"
  fi
}

forget_units() {
  local unit
  for unit in "${units[@]}" "$settler"; do
    if has_systemd; then systemctl disable --now "$unit" || true; else systemctl disable "$unit" || true; fi
    rm -rf "/etc/systemd/system/$unit" "/etc/systemd/system/$unit.d"
  done
  for unit in "${timers[@]}"; do
    if has_systemd; then systemctl disable --now "$unit" || true; else systemctl disable "$unit" || true; fi
    rm -f "/etc/systemd/system/$unit" "/etc/systemd/system/${unit%.timer}.service"
  done
  forget_other_files
  if has_systemd; then systemctl reset-failed "${units[@]}" || true; fi
}

forget_program() {
  local command
  for command in "${commands[@]}"; do rm -f "/usr/local/bin/$command"; done
  discard "$home"/versions/*
  rm -rf "$home" "$changed"
}

forget_data() {
  forget_disk
  rm -rf "$data" "$data".before-* "/etc/edgecase/$settings"
  rmdir --ignore-fail-on-non-empty /etc/edgecase || true
  rm -f "/etc/sysusers.d/$name.conf" "/etc/tmpfiles.d/$name.conf"
  if id "$name" >/dev/null 2>&1; then userdel "$name"; fi
}

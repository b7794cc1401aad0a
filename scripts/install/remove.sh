# Takes EdgeCase off the machine again.
# shellcheck shell=bash disable=SC2154

uninstall() {
  step "stop and forget ${units[*]}" forget_units
  step "remove the program from $home" forget_program
  say "Settings are still in /etc/edgecase/$settings and data in $data; --purge removes them too."
}

purge() {
  [ -n "$dry" ] || confirm "Remove $name with all its cases, photos, models and settings?" || die 2 "nothing was removed"
  step "stop and forget ${units[*]}" forget_units
  step "remove the program from $home" forget_program
  step "remove settings and $data" forget_data
}

forget_units() {
  local unit
  for unit in "${units[@]}"; do
    if has_systemd; then systemctl disable --now "$unit" || true; else systemctl disable "$unit" || true; fi
    rm -rf "/etc/systemd/system/$unit" "/etc/systemd/system/$unit.d"
  done
  if has_systemd; then systemctl daemon-reload; systemctl reset-failed "${units[@]}" || true; fi
}

forget_program() {
  local command
  for command in "${commands[@]}"; do rm -f "/usr/local/bin/$command"; done
  rm -rf "$home"
}

forget_data() {
  rm -rf "$data" "/etc/edgecase/$settings"
  rmdir --ignore-fail-on-non-empty /etc/edgecase || true
  rm -f "/etc/sysusers.d/$name.conf" "/etc/tmpfiles.d/$name.conf"
  if id "$name" >/dev/null 2>&1; then userdel "$name"; fi
}

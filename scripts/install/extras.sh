# What isn't the service itself: limits of the log, a look at sticks, the hardware watchdog.
# shellcheck shell=bash disable=SC2154

WATCHDOG=/etc/systemd/system.conf.d/edgecase-watchdog.conf

places() { # where `files` lie, a line each
  local pair
  for pair in "${files[@]}"; do echo "${pair#* }/$(basename "${pair% *}")"; done
}

other_files() {
  local pair fresh=''
  for pair in "${files[@]}"; do put "${pair% *}" "${pair#* }/$(basename "${pair% *}")"; done
  [ -n "$fresh" ] || exit "$ALREADY"
  take_up
}

take_up() { # have systemd, journald and udev read their files again
  has_systemd || return 0
  systemctl daemon-reload
  [ ${#files[@]} -gt 0 ] || return 0
  systemctl try-restart systemd-journald.service || true
  if systemctl is-active -q systemd-udevd.service; then udevadm control --reload || true; fi
}

hardware_watchdog() {
  local fresh=''
  put system.conf.d/edgecase-watchdog.conf "$WATCHDOG"
  [ -n "$fresh" ] || exit "$ALREADY"
  if has_systemd; then systemctl daemon-reexec; fi
}

judge_watchdog() { # DEVICE
  [ -c "$1" ] || echo "This machine has no hardware watchdog ($1): on a Raspberry Pi look for dtparam=watchdog=off in /boot/firmware/config.txt."
}

forget_other_files() {
  local unit
  places | tr '\n' '\0' | xargs -0 -r rm -f
  while read -r unit; do rm -rf "$UNITS/$unit.d"; done < <(waits)
  [ "$role" = tower ] || rmdir --ignore-fail-on-non-empty /usr/local/lib/edgecase 2>/dev/null || true
  take_up
  if [ -e "$WATCHDOG" ] && ! other_role_installed; then
    rm -f "$WATCHDOG"
    if has_systemd; then systemctl daemon-reexec; fi
  fi
}

other_role_installed() {
  if [ "$role" = tower ]; then [ -e "$UNITS/edgecase.service" ]; else [ -e "$UNITS/edgecase-tower.service" ]; fi
}

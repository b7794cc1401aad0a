# Puts EdgeCase on the machine. Each step can be cut off and done again: what serves is always one whole version.
# shellcheck shell=bash disable=SC2154

UNITS=/etc/systemd/system

repair() { # what serves goes on until something whole is beside it; what people made stays
  [ -n "$dry" ] || find_damage
  put_on_machine
  [ -n "$dry" ] || say "${mended[0]+Mended: }$(IFS=,; echo "${mended[*]-Nothing was broken.}")"
}

find_damage() { # an environment with other files than were installed isn't whole
  local site now
  now=$(readlink -f "$home/current" || true)
  for site in "$now"/lib/python3*/site-packages; do
    [ -d "$site" ] || continue
    python3 -I "$here/scripts/install/damaged.py" "$site" >>"$log" && way_back_is_whole "$now" && continue
    warn "files of $now are damaged; it is made again" "$log"
    rm -f "$now/.whole"
  done
}

way_back_is_whole() { # VERSION : of another version's nobody knows
  [ "$1" != "$(target_of "$(stamp)")" ] || diff -r "$here/scripts/install/way_back" "$1/way_back" >>"$log"
}

put_on_machine() {
  settle_upgrade
  put_files
  if ! has_systemd; then
    warn "systemd doesn't run here, so that nothing is started" "it starts when the machine boots"
  elif [ -z "$start" ]; then
    say "  · not started: sudo systemctl start ${units[*]}"
  else
    step "start ${units[*]}" start_units
  fi
  step "versions before the last one" forget_old_versions
  [ -n "$dry" ] || rm -f "$home/went-back"
  [ -n "$dry" ] || say "Done. Look: ${commands[0]} --help; systemctl status $name"
}

put_files() {
  step "Debian's packages: ${packages[*]} ${camera_packages[*]}" debian_packages
  step "system user $name, folders" users_and_folders
  step "Python environment in $home" environment
  tell_of_environment
  step "settings in /etc/edgecase/$settings" first_settings
  step "services: ${units[*]} ${timers[*]}" unit_files
  [ ${#files[@]} -eq 0 ] || step "limits of the log, a look at sticks" other_files
  if [ -n "$disk" ] || uses_disk; then step "data on a disk of their own${disk:+: $disk}" data_disk; tell_of_copies; fi
  [ -z "$watchdog" ] || step "hardware watchdog" hardware_watchdog
}

debian_packages() {
  local missing=() package files
  # A power cut may have left dpkg in the middle; what it can't end by itself apt can, who fetches.
  [ -z "$(dpkg --audit)" ] || DEBIAN_FRONTEND=noninteractive dpkg --configure -a || true
  for package in "${packages[@]}" "${camera_packages[@]}"; do has_package "$package" || missing+=("$package"); done
  [ ${#missing[@]} -gt 0 ] || exit "$ALREADY"
  export DEBIAN_FRONTEND=noninteractive
  if [ -n "$offline" ]; then
    mapfile -t files < <(newer_debs "$offline/debs")
    # Without apt's lists: for a version that they name too it would ask the network.
    apt-get install -y -f --no-install-recommends -o Dir::State::lists="$(mktemp -d)" "${files[@]}"
  else
    apt-get update
    mapfile -t missing < <(offered "${missing[@]}")
    [ ${#missing[@]} -gt 0 ] || exit "$ALREADY"
    apt-get install -y -f --no-install-recommends "${missing[@]}"
  fi
  # Debian starts a broker of its own; the tower's has its own certificates and ports.
  if [[ " ${missing[*]} " == *" mosquitto "* ]]; then systemctl disable --now mosquitto.service || true; fi
}

has_package() { # whole: one that was cut off in the middle is known, too
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

offered() { # PACKAGE… : without the camera's where there are none, as in plain Debian
  local package
  for package in "$@"; do
    if [[ " ${camera_packages[*]} " == *" $package "* && -z "$(apt-cache show "$package" 2>/dev/null)" ]]; then continue; fi
    echo "$package"
  done
}

newer_debs() { # FOLDER : the files of packages that are missing here, or not whole, or older
  local file package version
  for file in "$1"/*.deb; do
    # shellcheck disable=SC2016  # dpkg's variables
    read -r package version < <(dpkg-deb -W --showformat '${Package} ${Version}\n' "$file")
    if ! has_package "$package" || dpkg --compare-versions "$version" gt "$(dpkg-query -W -f '${Version}' "$package")"; then
      echo "$file"
    fi
  done
}

users_and_folders() {
  local fresh=''
  if same sysusers.d && id "$name" && { uses_disk || { same tmpfiles.d && [ "$(stat -c '%U %a' "$data")" = "$name 700" ]; }; }; then
    exit "$ALREADY"
  fi
  put "sysusers.d/$name.conf" "/etc/sysusers.d/$name.conf"
  systemd-sysusers "$name.conf"
  if uses_disk; then return; fi
  put "tmpfiles.d/$name.conf" "/etc/tmpfiles.d/$name.conf"
  systemd-tmpfiles --create "$name.conf"
}

same() { cmp -s "$here/systemd/$1/$name.conf" "/etc/$1/$name.conf"; }

point() { # TARGET LINK : in one move, so that there is a link at every moment
  mkdir -p "$(dirname "$2")"
  ln -sfn "$1" "$2.new"
  mv -T "$2.new" "$2"
  sync "$(dirname "$2")"
}

replace() { # FILE : by FILE.new, of which a power cut leaves all or nothing
  sync "$1.new"
  mv -T "$1.new" "$1"
  sync "$(dirname "$1")"
}

first_settings() {
  local file=/etc/edgecase/$settings
  [ ! -e "$file" ] || exit "$ALREADY"
  # The device's hold no secret, and everybody's `edgecase check` reads them; the tower's may hold a password.
  install -D -m 640 -g "$name" "$here/scripts/install/$settings" "$file.new"
  if [ "$role" = device ]; then chmod 644 "$file.new"; fi
  if [ -n "$lan" ]; then sed -i 's/^\[http\]$/[http]\nhost = "0.0.0.0"\nauth = "token"/' "$file.new"; fi
  replace "$file"
}

unit_files() {
  local unit fresh='' all=("${units[@]}" "${timers[@]}" "$settler")
  for unit in "${units[@]}"; do put "$unit" "$UNITS/$unit"; done
  if [ "$(systemd_version)" -ge 254 ]; then # bookworm's doesn't know these keys
    for unit in "${units[@]}"; do put backoff.conf "$UNITS/$unit.d/backoff.conf"; done
  fi
  [ -z "$fresh" ] || touch "$changed"
  for unit in "${timers[@]}" "${timers[@]/%.timer/.service}" "$settler"; do put "$unit" "$UNITS/$unit"; done
  if [ -z "$fresh" ] && each_unit is-enabled "${all[@]}"; then exit "$ALREADY"; fi
  if has_systemd; then systemctl daemon-reload; fi
  systemctl enable "${all[@]}"
  sync -f "$UNITS"
}

each_unit() { # IS-… UNIT… : of several at once systemctl says whether one is
  local unit
  for unit in "${@:2}"; do systemctl "$1" -q "$unit" || return 1; done
}

put() { # FILE PATH : sets `fresh` where it wasn't there like that
  local mode=644
  [ ! -x "$here/systemd/$1" ] || mode=755
  [ "$(stat -c %a "$2" 2>/dev/null)" = "$mode" ] && cmp -s "$here/systemd/$1" "$2" && return
  install -D -m "$mode" "$here/systemd/$1" "$2.new"
  replace "$2"
  fresh=yes
}

systemd_version() { systemctl --version | awk 'NR == 1 { print $2 }'; }

start_units() { # what runs and is what is installed goes on
  local unit verb=start
  if [ -e "$changed" ]; then verb=restart
  elif each_unit is-active "${units[@]}"; then exit "$ALREADY"; fi
  for unit in "${units[@]}"; do
    systemctl reset-failed "$unit" || true
    timeout 180 systemctl "$verb" "$unit" || { systemctl status --no-pager -n 20 "$unit"; return 1; }
  done
  [ ${#timers[@]} -eq 0 ] || systemctl start "${timers[@]}"
  rm -f "$changed"
}

forget_old_versions() { # the one before stays, to go back to
  local now old
  now=$(readlink -f "$home/current")
  mapfile -t old < <(find "$home/versions" -mindepth 1 -maxdepth 1 -type d ! -path "$now" -printf '%T@ %p\n' |
    sort -rn | tail -n +2 | cut -d' ' -f2-)
  [ ${#old[@]} -gt 0 ] || exit "$ALREADY"
  discard "${old[@]}"
}

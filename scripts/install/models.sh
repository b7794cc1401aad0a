# The technician's way: models from a stick, a folder or a tower, onto an installed device.
# What decides is the edgecase command and the trusted root that are on the device already. Nothing on the stick is run.
# shellcheck shell=bash disable=SC2154

STICK=edgecase-releases # the folder that `edgecase-tower usb export` makes

as_edgecase() { (cd / && exec runuser -u "$name" -- "/usr/local/bin/$name" "$@"); }

need_device() {
  [ "$role" = device ] || die 2 "models are installed on the device, not on the tower"
  installed || die 3 "EdgeCase isn't installed on this machine: sudo ./install.sh"
}

update_models() { # [STICK|FOLDER|URL|FILE]
  need_device
  # A namespace of its own: whatever becomes of this process, nothing stays mounted.
  if [ -z "${INSTALL_PRIVATE_MOUNTS:-}" ]; then
    exec env INSTALL_PRIVATE_MOUNTS=1 unshare --mount --propagation private "$here/install.sh" "${args[@]}"
  fi
  local place=$1 status=0 before
  rm -rf --one-file-system /run/edgecase-stick.* "$data"/.stick.* # of one that was killed
  work=$(mktemp -d /run/edgecase-stick.XXXXXX)
  chmod 711 "$work"
  trap leave_stick EXIT
  before=$(active_models)
  case $place in
    http://* | https://*) ;;
    '') find_stick; place=$found ;;
    *) place=$(realpath -e "$place" 2>/dev/null) || die 4 "there is no $1"
       if [ -b "$place" ]; then mount_stick "$place" || die 4 "$place can't be read"; place=$work/stick; fi ;;
  esac
  if [ -f "$place" ]; then install_bare "$place" || status=$?; else pull_from "$place" || status=$?; fi
  [ -z "$dry" ] || return 0
  take_over "$before" || { [ "$status" -ne 0 ] || status=5; }
  exit "$status"
}

pull_from() { # FOLDER|URL
  local place=$1
  [ ! -d "$place" ] || { readable "$place"; place=$found; }
  say "Releases from $1"
  if [ -n "$dry" ]; then say "  · edgecase models pull $1"; return; fi
  as_edgecase models pull "$place" ${yes:+--yes}
}

# --- the stick

find_stick() { # sets `found` to the folder where the only stick with releases is readable
  local device list=()
  while read -r device; do
    if mount_stick "$device" 2>>"$log" && [ -d "$work/stick/$STICK" ]; then list+=("$device"); fi
    umount "$work/stick" 2>>"$log" || true
  done < <(lsblk -J -p -o PATH,TYPE,FSTYPE,RM,HOTPLUG | "$home/current/bin/python" -I "$here/scripts/install/sticks.py")
  [ ${#list[@]} -ne 0 ] || die 4 "no stick with a folder $STICK was found; name its folder: --update-models /media/…"
  [ ${#list[@]} -eq 1 ] || die 4 "several sticks have releases (${list[*]}); name one: --update-models ${list[0]}"
  mount_stick "${list[0]}"
  say "Stick: ${list[0]}, mounted to be read only"
  found=$work/stick
}

mount_stick() { # DEVICE : onto $work/stick, read-only, nothing of it can be run
  local options=ro,nosuid,nodev,noexec type at
  mkdir -p "$work/stick"
  at=$(findmnt -n -o TARGET --first-only -S "$1" || true)
  if [ -n "$at" ]; then # the desktop was quicker
    mount --bind "$at" "$work/stick" && mount -o "remount,bind,$options" "$work/stick"
    return
  fi
  type=$(blkid -p -o value -s TYPE "$1" || true)
  case $type in
    vfat | exfat | ntfs*) options+=",uid=$name,gid=$name,umask=0077" ;;
    ext3 | ext4) options+=,noload ;; # else the journal is played back, which writes
  esac
  mount -t "${type:-auto}" -o "$options" "$1" "$work/stick"
}

leave_stick() {
  umount "$work/stick" 2>/dev/null || true
  rm -rf --one-file-system "${copied:-}"
  rm -rf --one-file-system "$work"
}

readable() { # FOLDER : sets `found` to it, or to a copy where $name may not read it
  local folder=$1
  found=$folder
  [ ! -d "$folder/$STICK" ] || folder=$folder/$STICK
  # What it may not enter, find complains of; what it may not read, find prints.
  [ -z "$(runuser -u "$name" -- find "$folder" -type f ! -readable -print -quit 2>&1)" ] || copy_of "$folder"
}

copy_of() { # FOLDER : its plain files, owned by $name; what they say is checked later, as ever
  local need free
  need=$(du -sm "$1" | cut -f1) free=$(free_mb "$data")
  [ "$need" -lt $((free - 200)) ] || die 1 "$name may not read $1, and there is no room to copy it: $need MB of $free MB"
  copied=$(mktemp -d "$data/.stick.XXXXXX")
  (cd "$1" && find . -type f -print0 | tar -c --null -T -) | tar -x -C "$copied" --no-same-owner --no-same-permissions
  chown -R "$name:$name" "$copied"
  chmod -R u+rX "$copied"
  found=$copied
}

# --- a bare file, unsigned

install_bare() { # FILE
  [ -n "$unsigned" ] || die 1 "$1 is a bare file that nobody signed: it is refused (see --allow-unsigned)"
  as_edgecase config check --json | "$home/current/bin/python" -I -c '
import json, sys
sys.exit(not json.load(sys.stdin)["settings"]["updates"]["allow_unsigned"])' ||
    die 1 "the owner of this device doesn't allow unsigned models: updates.allow_unsigned in /etc/edgecase/edge.toml"
  if [ -n "$dry" ]; then say "  · edgecase models install $1"; return; fi
  warn "$1 is unsigned: nobody vouches for it"
  confirm "Install it all the same?" || exit 1
  copied=$(mktemp -d "$data/.stick.XXXXXX")
  cp "$1" "$copied/"
  chown -R "$name:$name" "$copied"
  as_edgecase models install "$copied/$(basename "$1")" "${answers[@]}"
}

# --- what came of it

active_models() { # [MORE] : id version, a line each; with an argument, of those that have another version
  as_edgecase models list --json | "$home/current/bin/python" -I -c '
import json, sys
models = json.load(sys.stdin)["models"]
ids = [m["id"] for m in models]
for m in models:
    if m["active"] and ids.count(m["id"]) >= int(sys.argv[1]): print(m["id"], m["version"])' "$((1 + $#))"
}

take_over() { # BEFORE : says what is different, and sees that the service has it
  local now changed
  now=$(active_models)
  changed=$(comm -13 <(sort <<<"$1") <(sort <<<"$now"))
  if [ -z "$changed" ]; then say "What serves is what served before."; return; fi
  while read -r model version; do
    say "  $model: $(sed -n "s/^$model //p" <<<"$1") → $version"
  done <<<"$changed"
  if ! has_systemd || ! systemctl is-active -q "$name"; then
    say "The service doesn't run; it serves them from its next start."
    return
  fi
  # Where the command could not ask the service (http.auth = "token"), a signal does; no request fails.
  local second
  for second in {1..60}; do
    if serves "$changed"; then say "The service serves them."; return; fi
    if [ "$second" -eq 5 ]; then systemctl reload "$name"; fi
    sleep 1
  done
  warn "the service goes on with what it had: $(systemctl show -p StatusText --value "$name")" "journalctl -u $name"
  return 1
}

serves() { # LINES : whether the service says so of each that it looks with
  local status model version
  status=" $(systemctl show -p StatusText --value "$name") "
  while read -r model version; do
    [[ $status != *" $model@"* || $status == *" $model@$version "* ]] || return 1
  done <<<"$1"
}

roll_back() { # [MODEL]
  need_device
  local before status=0 each
  before=$(active_models)
  if [ -n "$1" ]; then
    [ -n "$dry" ] || as_edgecase models rollback "$1" || status=1
  else
    while read -r each _; do
      [ -n "$each" ] || continue
      if [ -n "$dry" ]; then say "  · $each"; else as_edgecase models rollback "$each" </dev/null || status=1; fi
    done <<<"$(active_models more)"
  fi
  if [ -n "$dry" ]; then return; fi
  take_over "$before" || { [ "$status" -ne 0 ] || status=5; }
  exit "$status"
}

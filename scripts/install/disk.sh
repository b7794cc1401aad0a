# An external disk for the data: mounted by its UUID, waited for, and nothing is ever written in its place.
# shellcheck shell=bash disable=SC2154

MARK=.edgecase # on a disk that is ours

judge_disk() { # DEVICE FILESYSTEM UUID MOUNTED-AT PARTITIONS SYSTEM'S DATA : why it can't be, or nothing
  if [ -n "$6" ]; then echo "$1 is on the disk that the system runs from: name another one. What there is: lsblk -o NAME,SIZE,FSTYPE,MOUNTPOINTS"
  elif [ -n "$5" ]; then echo "$1 has partitions: name one of them ($5)."
  elif [ -z "$2" ]; then echo "$1 has no file system, and install.sh makes none. To make one, which erases what is on it: sudo mkfs.ext4 $1"
  elif [[ ! $2 =~ ^(ext4|xfs|btrfs|f2fs)$ ]]; then echo "$1 has $2, which doesn't know whose a file is: EdgeCase needs ext4, xfs, btrfs or f2fs."
  elif [ -z "$3" ]; then echo "The file system on $1 has no UUID: sudo tune2fs -U random $1"
  elif [ -n "$4" ] && [ "$4" != "$7" ]; then echo "$1 is mounted at $4: sudo umount $4, and take it out of /etc/fstab."
  fi
}

look_at_disk() { # the first thing that is done with it, before anything is changed
  local why
  disk=$(realpath -e "$disk" 2>/dev/null) && [ -b "$disk" ] || die 3 "there is no such disk. What there is: lsblk"
  disk_type=$(blkid -p -o value -s TYPE "$disk" || true)
  disk_uuid=$(blkid -p -o value -s UUID "$disk" || true)
  why=$(judge_disk "$disk" "$disk_type" "$disk_uuid" "$(findmnt -n -o TARGET --first-only -S "$disk" || true)" \
    "$(lsblk -n -r -p -o NAME,TYPE "$disk" 2>/dev/null | awk '$2 == "part"' | grep -v "^$disk " | cut -d' ' -f1 | paste -sd, || true)" \
    "$(systems_disk "$disk")" "$data")
  [ -z "$why" ] || die 3 "$why"
  if uses_disk && ! grep -q "by-uuid/$disk_uuid\$" "$UNITS/$(mount_unit)"; then
    die 3 "The data are on another disk ($(grep ^What= "$UNITS/$(mount_unit)")): copy them over by hand."
  fi
}

systems_disk() { # DEVICE : the disk that it shares with the system, or nothing
  local folder
  for folder in / /usr /var /boot /boot/firmware; do
    findmnt -n -v -o SOURCE -T "$folder"
  done | sort -u | while read -r device; do wholes "$device"; done | grep -Fx -f <(wholes "$1") | head -n 1 || true
}

wholes() { # DEVICE : it, and what it is a part of
  echo "$1"
  lsblk -n -r -s -p -o NAME "$1" 2>/dev/null || true
}

mount_unit() { systemd-escape -p --suffix=mount "$data"; }

uses_disk() { [ "$role" = device ] && [ -e "$UNITS/$(mount_unit)" ]; }

waits() { printf '%s\n' "${units[@]}" "${timers[@]/%.timer/.service}" "$settler" "edgecase-stick@.service"; }

data_disk() {
  local unit each fresh='' mounted
  unit=$(mount_unit)
  if [ -n "$disk" ]; then keep "$UNITS/$unit" "$(text_of_mount)"; fi
  while read -r each; do keep "$UNITS/$each.d/data-disk.conf" "$(text_of_wait)"; done < <(waits)
  mounted=$(findmnt -n -o TARGET -M "$data" || true)
  [ -n "$fresh" ] || [ -z "$mounted" ] || exit "$ALREADY"
  if [ -z "$mounted" ]; then
    if has_systemd; then systemctl stop "${units[@]}" "${timers[@]/%.timer/.service}"; fi
    [ -z "$disk" ] || settle_data
    mkdir -p "$data"
    # Without the disk only root could write there, and root's programs don't.
    chown root:root "$data"
    chmod 0 "$data"
  fi
  rm -f "/etc/tmpfiles.d/$name.conf" # it would make a folder of the mount point
  if ! has_systemd; then systemctl enable "$unit"; return; fi
  systemctl daemon-reload
  systemctl enable --now "$unit"
  # When it comes late, the service comes with it.
  systemctl add-wants "$unit" "${units[@]}" "$settler"
  chown "$name:$name" "$data"
  chmod 700 "$data"
}

keep() { # PATH TEXT : sets `fresh` where it wasn't there like that
  [ "$(cat "$1" 2>/dev/null)" = "$2" ] && return
  mkdir -p "$(dirname "$1")"
  printf '%s\n' "$2" >"$1.new"
  replace "$1"
  touch "$changed"
  fresh=yes
}

text_of_mount() {
  local device=/dev/disk/by-uuid/$disk_uuid fsck
  fsck=systemd-fsck@$(systemd-escape -p "$device").service
  cat <<END
# The disk with EdgeCase's data; install.sh --data-disk wrote this.
[Unit]
Description=EdgeCase: the disk with the data
Wants=$fsck
After=$fsck

[Mount]
What=$device
Where=$data
Type=$disk_type
Options=nofail,nosuid,nodev,noexec,noatime

[Install]
WantedBy=multi-user.target $(systemd-escape -p --suffix=device "$device")
END
}

text_of_wait() {
  cat <<END
# The data are on a disk of their own: without it nothing starts, and when it goes everything stops.
[Unit]
RequiresMountsFor=$data
BindsTo=$(mount_unit)
ConditionPathIsMountPoint=$data
END
}

settle_data() { # on the disk are its own data, or those that lay here; those stay beside, under another name
  local place here_too
  place=$(mktemp -d /run/edgecase-disk.XXXXXX)
  mount -t "$disk_type" -o nosuid,nodev,noexec "$disk" "$place"
  # shellcheck disable=SC2064  # now: the function's variables are gone by then
  trap "umount '$place' && rmdir '$place'" EXIT
  here_too=$(find "$data" -mindepth 1 -maxdepth 1 -print -quit 2>/dev/null)
  if [ -e "$place/$MARK" ] || [ -e "$place/cases.db" ]; then
    [ -z "$here_too" ] || { echo "$disk has data of EdgeCase, and so has $data: move one of them away first."; return 1; }
  elif [ ! -e "$place/$MARK.moving" ] && [ -n "$(find "$place" -mindepth 1 -maxdepth 1 ! -name lost+found -print -quit)" ]; then
    echo "$disk has files of somebody else: give EdgeCase an empty disk."
    return 1
  elif [ -n "$here_too" ]; then
    touch "$place/$MARK.moving"
    cp -a "$data/." "$place/"
    sync -f "$place"
  fi
  touch "$place/$MARK"
  rm -f "$place/$MARK.moving"
  sync -f "$place"
  [ -z "$here_too" ] || mv "$data" "$data.before-$(date +%Y%m%dT%H%M%S)"
}

tell_of_copies() { # what was moved onto the disk lies here still
  local each
  for each in "$data".before-*; do
    [ ! -d "$each" ] || warn "the data of before are still in $each" "once all is well: sudo rm -r $each"
  done
}

forget_disk() { # its data go, the disk stays as it is
  uses_disk || return 0
  find "$data" -xdev -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -rf {} +
  systemctl disable --now "$(mount_unit)" || true
  rm -rf "$UNITS/$(mount_unit)" "$UNITS/$(mount_unit).wants"
  if has_systemd; then systemctl daemon-reload; fi
}

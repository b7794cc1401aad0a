# What the machine is, and whether EdgeCase can live on it. The judges decide from values; look_at_machine reads them.
# shellcheck shell=bash disable=SC2154

DISK_MB=1500   # of a device's environment twice, since the old version stays until the new one is whole
MEMORY_MB=900
BUILT=2026-11-01 # no honest clock shows an earlier day

judge_architecture() { # dpkg's word
  case $1 in
    amd64 | arm64) ;;
    armhf | armel | i386) echo "This system is 32-bit ($1): EdgeCase needs a 64-bit one. Write the 64-bit Raspberry Pi OS to the card." ;;
    *) echo "EdgeCase runs on amd64 and arm64, and this is $1." ;;
  esac
}

judge_system() { # ID ID_LIKE VERSION_CODENAME of os-release
  case " $1 $2 " in *" debian "* | *" raspbian "*) ;; *) echo "This is $1: EdgeCase is tried on Debian and Raspberry Pi OS."; return ;; esac
  case $3 in
    bookworm | trixie) ;;
    *) echo "This is $1 $3: EdgeCase is tried on bookworm and trixie." ;;
  esac
}

judge_space() { # megabytes free
  [ "$1" -ge "$DISK_MB" ] || echo "$1 MB are free on the disk, and $DISK_MB are needed: sudo apt clean; df -h"
}

judge_clock() { # day, as 2026-11-20
  [[ ! $1 < $BUILT ]] || echo "The clock shows $1, which is before EdgeCase was made: sudo timedatectl set-time '…', or wait for the network's time."
}

machine_of() { # device-tree model, dpkg's word
  case $1 in
    *"Raspberry Pi 5"* | *"Compute Module 5"*) echo "Raspberry Pi 5" ;;
    *"Raspberry Pi 4"* | *"Compute Module 4"*) echo "Raspberry Pi 4" ;;
    '') echo "no Raspberry Pi, $2" ;;
    *) echo "$1" ;;
  esac
}

free_mb() { # of the disk that would hold this folder
  local folder=$1
  while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
  df --output=avail -m "$folder" | tail -n 1 | tr -d ' '
}

look_at_machine() {
  local architecture ID='' ID_LIKE='' VERSION_CODENAME='' memory why
  architecture=$(dpkg --print-architecture 2>/dev/null || uname -m)
  if [ -r /proc/device-tree/model ]; then model_text=$(tr -d '\0' </proc/device-tree/model); fi
  if [[ $role = device && $model_text == *"Raspberry Pi"* ]]; then camera_packages=(python3-picamera2 python3-libcamera); fi
  # shellcheck source=/dev/null
  . /etc/os-release
  memory=$(awk '/^MemTotal/ { print int($2 / 1000) }' /proc/meminfo)
  say "EdgeCase, the $role, on: $(machine_of "$model_text" "$architecture"), $ID ${VERSION_CODENAME:-?}, $memory MB"
  for why in "$(judge_architecture "$architecture")" "$(judge_system "$ID" "${ID_LIKE:-}" "${VERSION_CODENAME:-?}")" \
    "$(judge_space "$(free_mb "$home")")" "$(judge_clock "$(date +%F)")" "$([ -z "$watchdog" ] || judge_watchdog /dev/watchdog)"; do
    [ -z "$why" ] || die 3 "$why"
  done
  [ -z "$disk" ] || look_at_disk
  [ "$memory" -ge "$MEMORY_MB" ] || warn "$memory MB of memory are few" "set writer.engine = \"template\""
  warn_of_limits
}

warn_of_limits() {
  local throttled
  if ! grep -qsw memory /sys/fs/cgroup/cgroup.controllers && [ ! -d /sys/fs/cgroup/memory ]; then
    warn "the kernel doesn't limit memory, so that MemoryMax of the service is without effect" \
      "on a Raspberry Pi add cgroup_enable=memory to /boot/firmware/cmdline.txt and reboot"
  fi
  if throttled=$(vcgencmd get_throttled 2>/dev/null) && [ "${throttled#*=}" != 0x0 ]; then
    warn "the Pi is or was throttled (${throttled#*=})" "use the official power supply and a cooler"
  fi
}

#!/usr/bin/env bash
# Installs EdgeCase as a service; see usage below and docs/install.md. Its parts are in scripts/install/.
# shellcheck disable=SC2034  # its parts use the variables
set -euo pipefail
umask 022
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
  cat <<'END'
Usage: sudo ./install.sh [--tower] [--lan] [--data-disk DEV] [--watchdog] [--dry-run] [--offline DIR] [--no-start]
       sudo ./install.sh [--tower] --upgrade | --repair [--offline DIR]
       sudo ./install.sh [--tower] --uninstall | --purge [--yes]
       sudo ./install.sh --update-models [STICK|FOLDER|URL|FILE] [--yes] [--allow-unsigned]
       sudo ./install.sh --rollback [MODEL]

Installs the device (or, with --tower, the tower) as a service.

  --tower            the tower instead of the device; both may live on one machine
  --lan              let phones on this network in, by pairing; only where there are no settings yet
  --data-disk DEV    keep the data on that disk, which has a file system; the service waits for it
  --watchdog         have the hardware restart the machine where the system stands still
  --upgrade          to the version that lies here; goes back by itself where that one isn't healthy
  --repair           look at every installed file, do again what isn't as it should be, and say what
  --dry-run          say each step and change nothing
  --offline DIR      take Debian's and Python's packages from DIR (scripts/make-offline-bundle makes it)
  --no-start         install only; the service starts at the next boot
  --uninstall        remove the program; settings and data stay
  --purge            remove settings and data too; asks first
  --update-models    install newer models from a stick (found by itself), a folder, or a tower's address
  --allow-unsigned   take a bare model FILE, where updates.allow_unsigned is true in the settings
  --answer KEY=VALUE what that file doesn't tell, e.g. labels=cat,dog; may be repeated
  --rollback         serve the version that was active before; without MODEL: of all that have one
  --yes              ask nothing

Exit codes:
  0  done; nothing to do is done too
  1  a step failed, or a model was refused: what was said above says which; what served still serves
  2  wrong usage, or a question that nobody was there to answer
  3  this machine can't run EdgeCase, or EdgeCase isn't installed on it
  4  no stick with releases was found, or it could not be read
  5  the models are installed, but the running service did not take them over

Everything is written to /var/log/edgecase-install.log.
END
}

die() { # CODE TEXT
  printf 'install.sh: %s\n' "$2" >&2
  exit "$1"
}

{ # read to its end before it begins: an upgrade may change this very file
args=("$@") role=device action=install where='' model='' offline='' dry='' yes='' start=yes unsigned='' answers=() lan='' watchdog='' disk='' model_text='' camera_packages=()
value() { [ $# -gt 1 ] && [ "${2#-}" = "$2" ]; }
while [ $# -gt 0 ]; do
  case $1 in
    --tower) role=tower ;;
    --dry-run) dry=yes ;;
    --no-start) start='' ;;
    --yes) yes=yes ;;
    --lan) lan=yes ;;
    --watchdog) watchdog=yes ;;
    --data-disk) value "$@" || die 2 "--data-disk needs a disk, as lsblk shows them"; disk=$2; shift ;;
    --upgrade | --repair) action=${1#--} ;;
    --allow-unsigned) unsigned=yes ;;
    --answer) value "$@" || die 2 "--answer needs KEY=VALUE"; answers+=(--answer "$2"); shift ;;
    --uninstall | --purge) action=${1#--} ;;
    --offline) value "$@" || die 2 "--offline needs a folder"; offline=$(realpath -e "$2") || exit 2; shift ;;
    --update-models) action=models; if value "$@"; then where=$2; shift; fi ;;
    --rollback) action=rollback; if value "$@"; then model=$2; shift; fi ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; die 2 "what is $1?" ;;
  esac
  shift
done
[ -z "$disk" ] || { [ $role = device ] && [[ $action == @(install|repair) ]]; } || die 2 "--data-disk is for a device that is installed or repaired"
[ "$(id -u)" -eq 0 ] || die 2 "run it as root: sudo $0"

# Where everything lies; `files` are FILE FOLDER, from systemd/. A version has a folder of its own; `current` names the whole one that serves.
case $role in
  device) name=edgecase commands=(edgecase) packages=(python3-venv ca-certificates libgomp1)
          units=(edgecase.service) lock=edge.lock settings=edge.toml
          timers=(edgecase-{backup,backup-check,models,archive}.timer)
          files=("edgecase-stick@.service /etc/systemd/system" "stick /usr/local/lib/edgecase"
                 "udev/70-edgecase-stick.rules /etc/udev/rules.d" "journald.conf.d/edgecase.conf /etc/systemd/journald.conf.d")
          native=cv2,numpy,onnxruntime,simplejpeg,xllamacpp ;;
  tower)  name=edgecase-tower commands=(edgecase-tower) packages=(python3-venv ca-certificates mosquitto)
          units=(edgecase-broker.service edgecase-tower.service) lock=tower.lock settings=tower.toml
          timers=(edgecase-tower-{backup,backup-check,scrub}.timer) files=()
          native=cryptography,psycopg,sqlalchemy ;;
esac
home=/opt/$name data=/var/lib/$name log=/var/log/edgecase-install.log
# What judges a cut upgrade when the machine starts; and a mark, gone when it does, that what runs isn't what is installed.
settler=$name-settle.service changed=/run/$name-changed

for part in steps look put environment extras disk upgrade models remove; do
  # shellcheck source=/dev/null
  . "$here/scripts/install/$part.sh"
done

begin_log "$role $action"
case $action in
  install) look_at_machine; put_on_machine ;;
  upgrade) look_at_machine; upgrade ;;
  repair) look_at_machine; repair ;;
  models) update_models "$where" ;;
  rollback) roll_back "$model" ;;
  uninstall | purge) "$action" ;;
esac
exit
}

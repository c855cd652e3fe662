#!/usr/bin/env bash
# Usage: scripts/install.sh install | uninstall      (called by make install, make uninstall)
#
# Installs the program, its systemd units and its user, for a timer that publishes in Docker:
#
#   $LIBDIR                          the program ($PREFIX/lib/events-display), and its VERSION
#   $UNITDIR/events-display*         service, timer, notice
#   $SYSUSERSDIR/events-display.conf
#   $SYSCONFDIR/events-display/env   the settings, 0600; never overwritten, never removed
#
# Enables and starts no unit. Waits for a run in progress. With DESTDIR, for packages, only
# writes files. TIMEZONE and SCHEDULE are those of the timer; default: the ones in the settings.
#
# Exit status: 0 done; 1 failed; 2 wrong usage; 75 the current run did not end; 78 TIMEZONE or
# SCHEDULE is wrong.

set -Eeuo pipefail
shopt -s inherit_errexit
# shellcheck source=common.sh
source "$(dirname "$(realpath "$0")")/common.sh"

readonly STATE=/var/lib/events-display
readonly NAME=events-display

# put MODE FILE: install it below LIBDIR and add it to the list that uninstall reads
put() {
  install -D -m "$1" "$ROOT/$2" "$DESTDIR$LIBDIR/$2"
  printf '%s\n' "$LIBDIR/$2" >>"$list"
}

# fill FILE TARGET: install a unit with its placeholders replaced
fill() {
  sed -e "s|@LIBDIR@|$LIBDIR|g" -e "s|@SYSCONFDIR@|$SYSCONFDIR|g" -e "s|@SCHEDULE@|$schedule|g" \
    -e "s|^@ON_CALENDAR@|${times//$'\n'/\\n}|" "$ROOT/systemd/$1" |
    install -D -m 0644 /dev/stdin "$DESTDIR$2"
  printf '%s\n' "$2" >>"$list"
}

# read_times: set zone, schedule and times, the lines of the timer
read_times() {
  local settings=$DESTDIR$SYSCONFDIR/$NAME/env
  zone=${TIMEZONE:-} schedule=${SCHEDULE:-}
  if [[ -r $settings ]]; then
    zone=${zone:-$(sed -n "s/^TIMEZONE=['\"]\{0,1\}\([A-Za-z0-9_/+-]*\).*/\1/p" "$settings")}
    schedule=${schedule:-$(sed -n "s/^SCHEDULE='\(.*\)'$/\1/p" "$settings")}
  fi
  zone=${zone:-America/New_York} schedule=${schedule:-Mon-Sat 9:00-18:00 /15}
  ! type -P systemd-analyze >/dev/null || systemd-analyze calendar "Mon 09:00 $zone" >/dev/null 2>&1 ||
    die "$EX_CONFIG" "TIMEZONE is not a time zone such as America/New_York" "TIMEZONE=$zone"
  times=$(SCHEDULE=$schedule TIMEZONE=$zone python3 "$ROOT/scripts/print_schedule.py" timer)
}

# install_all: sets zone, schedule and times
install_all() {
  local file unit settings=$SYSCONFDIR/$NAME/env old=$DESTDIR$LIBDIR/installed-files
  read_times
  list=$(mktemp)
  trap 'rm -f "$list"' EXIT
  while read -r file; do
    if [[ -x $ROOT/$file ]]; then put 0755 "$file"; else put 0644 "$file"; fi
  done < <(cd "$ROOT" && find Makefile pyproject.toml LICENSE .env.example requirements.txt requirements-aws.txt \
    bin docker scripts systemd templates -type f -not -path '*/__pycache__/*' -not -path 'docker/*/*')
  "$ROOT/scripts/version.sh" | install -m 0644 /dev/stdin "$DESTDIR$LIBDIR/VERSION"
  printf '%s\n' "$LIBDIR/VERSION" >>"$list"
  for unit in "$NAME.service" "$NAME.timer" "$NAME-notify@.service"; do
    fill "$unit.in" "$UNITDIR/$unit"
  done
  fill "$NAME.sysusers" "$SYSUSERSDIR/$NAME.conf"
  [[ -e $DESTDIR$settings ]] || install -D -m 0600 "$ROOT/.env.example" "$DESTDIR$settings"
  # Remove the files that only an older version had.
  [[ ! -e $old ]] || sort "$old" | comm -23 - <(sort "$list") | remove_listed
  install -m 0644 "$list" "$DESTDIR$LIBDIR/installed-files"
}

# remove_listed: remove the files on stdin, then the empty folders of the program
remove_listed() {
  local file
  while read -r file; do
    rm -f "$DESTDIR$file"
  done
  find "$DESTDIR$LIBDIR" -type d -empty -delete
}

wait_for_run() {
  [[ -z $DESTDIR && -e $STATE/publish.lock ]] || return 0
  exec {lock}<"$STATE/publish.lock"
  flock --nonblock "$lock" || log info 'waiting for the current run to end'
  flock --wait 780 "$lock" ||
    die "$EX_UNAVAILABLE" 'the current run did not end in 13 minutes; try again later' \
      "lock=$STATE/publish.lock"
}

STEP=install
: "${DESTDIR=}" "${LIBDIR:?}" "${UNITDIR:?}" "${SYSUSERSDIR:?}" "${SYSCONFDIR:?}"
case ${1:-} in
  install)
    wait_for_run
    install_all
    [[ -z $DESTDIR ]] || exit 0
    systemd-sysusers "$SYSUSERSDIR/$NAME.conf"
    [[ ! -d /run/systemd/system ]] || systemctl daemon-reload
    printf 'Installed. The timer runs %s, in the time zone %s (to change it: SCHEDULE and TIMEZONE in the settings). Next:\n' \
      "$schedule" "$zone"
    printf '  %s\n' "sudoedit $SYSCONFDIR/$NAME/env && sudo make -C $LIBDIR image" \
      "sudo $LIBDIR/bin/check $SYSCONFDIR/$NAME/env && sudo systemctl enable --now $NAME.timer"
    ;;
  uninstall)
    wait_for_run
    [[ -e $DESTDIR$LIBDIR/installed-files ]] ||
      die "$EX_FAILED" 'events-display is not installed' "path=$DESTDIR$LIBDIR"
    [[ -n $DESTDIR || ! -d /run/systemd/system ]] || systemctl disable --quiet --now "$NAME.timer"
    # Python wrote these when root ran bin/check.
    find "$DESTDIR$LIBDIR/scripts" -name __pycache__ -exec rm -rf {} +
    mapfile -t files <"$DESTDIR$LIBDIR/installed-files"
    printf '%s\n' "${files[@]}" "$LIBDIR/installed-files" | remove_listed
    [[ -n $DESTDIR || ! -d /run/systemd/system ]] || systemctl daemon-reload
    printf 'Removed. Kept: the settings (%s), the state (%s), the images and the volume.\n' \
      "$SYSCONFDIR/$NAME" "$STATE"
    ;;
  -h | --help) usage ;;
  *) die_usage 'the first argument must be install or uninstall' ;;
esac

#!/usr/bin/env bats
# The systemd units, checked by systemd-analyze; tests/docker/test_systemd.py runs them.

bats_require_minimum_version 1.5.0
load ../support/helper

setup_file() {
  command -v systemd-analyze >/dev/null || skip 'needs systemd'
}

setup() {
  own_environment
  PREFIX=$BATS_TEST_TMPDIR UNITS=$BATS_TEST_TMPDIR/lib/systemd/system
  # Install for real, since verify looks for the programs.
  make --no-print-directory -C "$ROOT" install DESTDIR=/ PREFIX="$PREFIX" SYSCONFDIR="$PREFIX/etc"
}

# An instance of a library has a file of its own.
kilton() {
  make --no-print-directory -C "$ROOT" install DESTDIR=/ PREFIX="$PREFIX" SYSCONFDIR="$PREFIX/etc" NAME=kilton
  SYSTEMD_UNIT_PATH=$UNITS: systemd-analyze verify --man=no events-display@kilton.service events-display@kilton.timer \
    events-display-notify-kilton@failed.service
}

verify() {
  SYSTEMD_UNIT_PATH=$UNITS: systemd-analyze verify --man=no \
    events-display.service events-display.timer events-display-notify@failed.service events-display-notify@success.service
}

exposure() { systemd-analyze security --offline=true --no-pager --threshold=15 "$UNITS/$1"; }

@test "systemd-analyze verify reports no problem" {
  run -0 verify
  same "$output" ''
}

@test "systemd-analyze verify reports no problem for a second library" {
  run -0 kilton
  same "$output" ''
}

@test "systemd-analyze verify reports a misspelled key" {
  sed -i 's/^TimeoutStartSec=/TimeoutStartSecs=/' "$UNITS/events-display.service"
  run verify
  says "Unknown key.* 'TimeoutStartSecs'"
}

@test "The exposure of each service is at most 1.5" {
  local unit
  for unit in events-display.service events-display-notify@.service; do
    run -0 exposure "$unit"
    says "Overall exposure level for events-display.*: [01]\.[0-9] "
  done
}

@test "Without three of the limits the exposure is too high" {
  sed -i '/^NoNewPrivileges=/d; /^CapabilityBoundingSet=/d; /^RestrictNamespaces=/d' "$UNITS/events-display-notify@.service"
  run ! exposure events-display-notify@.service
  says 'Overall exposure level'
}

@test "The timer follows scripts/schedule.py, also over a clock change" {
  local lines
  mapfile -t lines < <(sed -n 's/^OnCalendar=//p' "$UNITS/events-display.timer")
  TZ=UTC systemd-analyze calendar --iterations=500 --base-time='2026-03-01 00:00:00' "${lines[@]}" |
    grep -oE '2026-03-(0[1-9]|1[0-4]) [0-9:]{8} UTC' | sort >"$BATS_TEST_TMPDIR/systemd"
  PYTHONPATH=$ROOT/scripts python - >"$BATS_TEST_TMPDIR/ours" <<'END'
from datetime import UTC, date
from zoneinfo import ZoneInfo

from schedule import DEFAULT, Schedule

for day in range(1, 15):
    for run in Schedule.parse(DEFAULT).runs(date(2026, 3, day)):
        print(run.replace(tzinfo=ZoneInfo("America/New_York")).astimezone(UTC).strftime("%F %T UTC"))
END
  same "$(wc -l <"$BATS_TEST_TMPDIR/ours")" "$((12 * 37))"
  same "$(<"$BATS_TEST_TMPDIR/systemd")" "$(<"$BATS_TEST_TMPDIR/ours")"
}

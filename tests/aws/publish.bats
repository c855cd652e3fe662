#!/usr/bin/env bats
# bin/publish with the real bin/upload and bin/invalidate; fetch and generate are empty, the test makes the site.

bats_require_minimum_version 1.5.0
load ../support/helper

setup_file() { start_aws; }
teardown_file() { stop_aws; }

setup() {
  use_aws
  publishing_project
}

@test "A removed page is deleted by the next run, which also invalidates it" {
  EVENTS_NOW=2026-03-03T09:00 run -0 "$PROJECT/bin/publish"
  says 'outcome=ok changed=5 uploaded=5 deleted=0 .*paths=1 events=2 .*pending_after=0 '
  published
  drop event/2.html
  put index.html '<a href=event/1.html>'
  ask DELETE /-/log
  EVENTS_NOW=2026-03-03T09:15 run -0 "$PROJECT/bin/publish"
  same "$(calls | awk '{print $1}' | grep -v List | tr '\n' ' ')" 'PutObject PutObject CreateInvalidation '
  says 'outcome=ok changed=1 uploaded=1 deleted=0 .*paths=1 '
  ask DELETE /-/log
  EVENTS_NOW=2026-03-03T09:30 run -0 "$PROJECT/bin/publish"
  same "$(calls | awk '{print $1}' | tr '\n' ' ')" 'PutObject DeleteObjects CreateInvalidation '
  says 'outcome=ok changed=0 uploaded=0 deleted=1 .*paths=1 '
  published
  ask DELETE /-/log
  EVENTS_NOW=2026-03-03T09:45 run -0 "$PROJECT/bin/publish"
  same "$(calls | awk '{print $1}')" PutObject
}

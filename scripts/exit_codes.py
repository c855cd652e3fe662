"""The exit codes of all programs, as docs/configuration.md lists them (BSD sysexits where they fit)."""

OK = 0
FAILED = 1
USAGE = 2
REFUSED = 65  # refused by a guard; no file was changed
UNAVAILABLE = 75  # upstream is down, or another run holds the lock: try later
CONFIG = 78  # a setting or a credential is missing or wrong

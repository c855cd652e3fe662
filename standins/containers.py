"""The stand-ins for `docker compose --profile demo up`, run in the standins container.

Writes the settings for them to $BUILD_DIR/demo.env, and serves the bucket on port 8000 of all interfaces.
Only the container's network can reach the port, unless Compose publishes it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from werkzeug.serving import make_server

from standins import bucket_site, sample
from standins.aws import Aws
from standins.libcal_server import LibCal
from standins.serving import QuietHandler

PORT = 8000
READY = Path("/tmp/ready")


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    url = os.environ["SITE_URL"]
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    with LibCal() as libcal, Aws() as aws:
        site = make_server("0.0.0.0", PORT, bucket_site.app(aws), threaded=True, request_handler=QuietHandler)
        threading.Thread(target=site.serve_forever, daemon=True).start()
        facts = Path(os.environ["BUILD_DIR"], "branches.toml")
        facts.write_bytes(sample.BRANCHES.read_bytes())
        settings = libcal.settings | aws.env | sample.SETTINGS | {"SITE_URL": url, "BRANCHES": str(facts)}
        text = "".join(f"{key}='{value}'\n" for key, value in settings.items())
        Path(os.environ["BUILD_DIR"], "demo.env").write_text(text)
        READY.touch()
        while not asked.wait(0.5) and aws.read("index.html") is None:
            pass
        print(f"The published site: {url}/ (until Ctrl-C)", flush=True)
        asked.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Drive old Chromium builds, as televisions have them: Playwright does not know their protocol.

They come from npm (see tests/browser/setup) and are driven over the DevTools protocol on two pipes.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browser.server import SiteServer

FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "events-display-engines"
FLAGS = (
    "--headless", "--no-sandbox", "--single-process", "--no-zygote", "--disable-gpu", "--use-gl=swiftshader",
    "--remote-debugging-pipe",
    "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip

# Date, performance.now and timers that only __pass moves. No service worker, which may end a single process.
_CLOCK = """
(() => {
  const RealDate = Date, begun = %d;
  let now = begun, last = 0, timers = [];
  window.Date = class extends RealDate {
    constructor(...given) { if (given.length) super(...given); else super(now); }
    static now() { return now; }
  };
  performance.now = () => now - begun;
  const add = (call, delay, every) => {
    timers.push({ id: ++last, call, at: now + Math.max(Number(delay) || 0, 1), every });
    return last;
  };
  window.setTimeout = (call, delay) => add(call, delay, 0);
  window.setInterval = (call, delay) => add(call, delay, delay);
  window.clearTimeout = window.clearInterval = (id) => { timers = timers.filter((timer) => timer.id !== id); };
  Object.defineProperty(navigator, "serviceWorker", { value: undefined });
  window.__pass = (delay) => {
    const end = now + delay;
    for (;;) {
      const due = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      now = Math.max(now, due.at);
      if (due.every) due.at += due.every;
      else clearTimeout(due.id);
      due.call();
    }
    now = end;
  };
})();
"""


class Engine:
    """A running browser."""

    def __init__(self, process: subprocess.Popen[bytes], write: int, read: int) -> None:
        self._process, self._write, self._read = process, write, read
        self._rest = b""
        self._count = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result; keep events that come meanwhile."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        answer = self.wait_for(lambda message: message.get("id") == self._count)
        assert "error" not in answer, (method, answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the next message that `wanted` accepts; keep the events before it."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            while b"\0" in self._rest:
                line, _, self._rest = self._rest.partition(b"\0")
                message: dict[str, Any] = json.loads(line)
                if "method" in message:
                    self.events.append(message)
                if wanted(message):
                    return message
            if select.select([self._read], [], [], 1)[0]:
                more = os.read(self._read, 1 << 20)
                assert more, "the browser has ended"
                self._rest += more
        raise TimeoutError

    def page(self, width: int, height: int, now: float) -> OldPage:
        """Return a new page with a fake clock that starts at `now`."""
        target = self.call("Target.createTarget", url="about:blank", width=width, height=height)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return OldPage(self, session, width, height, now)


class OldPage:
    """A page of an old browser."""

    def __init__(self, engine: Engine, session: str, width: int, height: int, now: float) -> None:
        self._engine, self._session = engine, session
        for domain in ("Page", "Runtime"):
            self.call(f"{domain}.enable")
        self.resize(width, height)
        self.call("Page.addScriptToEvaluateOnNewDocument", source=_CLOCK % round(now * 1000))

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol on this page."""
        return self._engine.call(method, self._session, **params)

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    def goto(self, url: str) -> None:
        """Open an address and wait until it is loaded."""
        begun = len(self._engine.events)
        self.call("Page.navigate", url=url)
        # Chromium 71 may end when a script is evaluated while a page loads.
        if not any(map(self._loaded, self._engine.events[begun:])):
            self._engine.wait_for(self._loaded)

    def _loaded(self, message: dict[str, Any]) -> bool:
        return message.get("method") == "Page.loadEventFired" and message.get("sessionId") == self._session

    def evaluate(self, script: str) -> Any:
        """Return the value of an expression, or of the promise that it gives."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_until(self, condition: str) -> None:
        """Wait up to ten seconds of real time until an expression is true."""
        for _ in range(400):
            if self.evaluate(condition):
                return
            time.sleep(0.025)
        raise TimeoutError(condition)

    def let_pass(self, seconds: float, server: SiteServer, step: float = 1) -> None:
        """Let `seconds` of the fake clock pass, with a moment of real time for requests after each step."""
        while seconds > 0:
            self.evaluate(f"__pass({min(step, seconds) * 1000})")
            server.date = self.evaluate("Date.now() / 1000")
            time.sleep(0.03)
            seconds -= step

    @property
    def errors(self) -> list[str]:
        """The exceptions that no script of this page caught."""
        return [
            str(event["params"]["exceptionDetails"].get("exception", {}).get("description"))
            for event in self._engine.events
            if event["method"] == "Runtime.exceptionThrown" and event.get("sessionId") == self._session
        ]


@contextmanager
def launch(name: str, profile: Path) -> Iterator[Engine]:
    """Run the engine `name` ("71") during the `with` block; raise FileNotFoundError without it."""
    executable = FOLDER / name / "chromium"
    if not executable.exists():
        raise FileNotFoundError(f"{executable}: run tests/browser/setup")
    (child_read, write), (read, child_write) = os.pipe(), os.pipe()
    # The browser reads from descriptor 3 and writes to 4.
    command = f'exec "$@" 3<&{child_read} 4>&{child_write}'
    libraries = {"LD_LIBRARY_PATH": str(FOLDER / name / "lib")}
    process = subprocess.Popen(
        ["bash", "-c", command, "bash", executable, *FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(child_read, child_write),
        env={**os.environ, **libraries},
        stderr=subprocess.DEVNULL,
    )
    os.close(child_read)
    os.close(child_write)
    try:
        yield Engine(process, write, read)
    finally:
        process.kill()
        process.wait()
        os.close(write)
        os.close(read)

"""A person with a Chromium: opens the address, chooses a user, presses a button, reads the resulting page.

    python chromium_person.py NAME DECISION FOLDER ADDRESS

Uses the DevTools protocol over a pair of pipes: JSON terminated by a null byte. The profile is in FOLDER.
"""

import json
import os
import subprocess
import sys
import time

WAIT_S = 60
QUIET = (
    "--headless",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--remote-debugging-pipe",
)
PRESS = """
(() => {
  const option = [...document.querySelectorAll("#user option")].find(o => o.text.startsWith(%s));
  if (!option) return false;
  document.querySelector("#user").value = option.value;
  document.querySelector(`button[value=${%s}]`).click();
  return true;
})()
"""


class Chromium:
    """A browser with one page."""

    def __init__(self, folder):
        to_read, self.write_end = os.pipe()
        self.read_end, to_write = os.pipe()
        options = [*QUIET, f"--user-data-dir={folder}"]
        self.process = subprocess.Popen(
            ["sh", "-c", f'exec chromium "$@" 3<&{to_read} 4>&{to_write}', "sh", *options],  # noqa: S607
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self.left = b""
        self.calls = 0
        self.session = None

    def call(self, method, **params):
        self.calls += 1
        message = {"id": self.calls, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        while True:
            reply = self.receive()
            if reply.get("id") == self.calls:
                assert "error" not in reply, reply
                return reply["result"]

    def receive(self):
        while b"\0" not in self.left:
            piece = os.read(self.read_end, 1 << 16)
            assert piece, "chromium has gone"
            self.left += piece
        message, _, self.left = self.left.partition(b"\0")
        return json.loads(message)

    def open(self, address):
        private = self.call("Target.createBrowserContext")["browserContextId"]  # adds no history entry
        target = self.call("Target.createTarget", url=address, browserContextId=private)["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def wait_for(self, script):
        ends = time.monotonic() + WAIT_S
        while time.monotonic() < ends:
            value = self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get(
                "value"
            )
            if value:
                return value
            time.sleep(0.05)
        raise TimeoutError(self.call("Runtime.evaluate", expression="document.body.innerText"))

    def close(self):
        self.session = None
        self.call("Browser.close")
        self.process.wait(WAIT_S)


def main(name, decision, folder, address):
    chromium = Chromium(folder)
    try:
        chromium.open(address)
        chromium.wait_for(PRESS % (json.dumps(name), json.dumps(decision)))
        page_text = chromium.wait_for(
            "document.querySelector('#user') === null && document.body !== null && document.body.innerText"
        )
    except BaseException:
        chromium.process.kill()
        raise
    chromium.close()
    sys.stdout.write(f"the page says: {page_text}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

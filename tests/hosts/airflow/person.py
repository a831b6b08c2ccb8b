"""A person with a Chromium: fills in the form of a connection, saves it, presses Test, reads what is said.

    python person.py FOLDER ADDRESS HOST PORT <secrets

The secrets are a token and a signing key, a line each.

The profile, and pictures of the form and of what was said, are in FOLDER. It is a process of its own, since
the browser takes its pipes by low numbers.
"""

import base64
import json
import sys
from pathlib import Path

from chromium_person import Chromium

FORM = "[role=dialog]"
ROW = "tr:has(td[data-testid=table-cell-connection_id])"
TOAST = "[data-scope=toast][data-part=root]"
PRESS = """
(() => {
  const inside = [...document.querySelectorAll(%s)].filter(one => one.innerText.includes(%s));
  const named = button => [button.innerText.trim(), button.ariaLabel].includes(%s) && !button.disabled;
  const button = inside.flatMap(one => [...one.querySelectorAll("button")]).find(named);
  if (button) { button.focus(); button.click(); }
  return button !== undefined;
})()
"""
FOCUS = """
(() => {
  const field = document.querySelector(%s);
  if (field) field.focus();
  return field !== null && document.activeElement === field;
})()
"""


class Person:
    """Uses a page by what is written on it."""

    def __init__(self, chromium, folder):
        self.chromium = chromium
        self.folder = folder

    def press(self, name, *, inside="body", with_words=""):
        """Press the button of this name, inside what has these words."""
        self.chromium.wait_for(PRESS % tuple(map(json.dumps, (inside, with_words, name))))

    def fill(self, field, text):
        """Write into a field."""
        self.chromium.wait_for(FOCUS % json.dumps(f"{FORM} {field}"))
        self.chromium.call("Input.insertText", text=text)

    def enter(self):
        """Press the Enter key."""
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
        self.chromium.call("Input.dispatchKeyEvent", type="keyDown", text="\r", **key)
        self.chromium.call("Input.dispatchKeyEvent", type="keyUp", **key)

    def wait_for(self, selector, words):
        """Wait until something has these words."""
        found = f"[...document.querySelectorAll({json.dumps(selector)})]"
        self.chromium.wait_for(f"{found}.some(one => one.innerText.includes({json.dumps(words)}))")

    def picture(self, name):
        """Keep what is to be seen."""
        data = self.chromium.call("Page.captureScreenshot")["data"]
        (self.folder / f"{name}.png").write_bytes(base64.b64decode(data))


def main(folder, address, host, port):
    token, key = sys.stdin.read().split()
    chromium = Chromium(str(Path(folder) / "profile"))
    try:
        chromium.open(address)
        size = {"width": 1300, "height": 1300, "deviceScaleFactor": 1, "mobile": False}
        chromium.call("Emulation.setDeviceMetricsOverride", **size)
        said = fill_in_and_test(Person(chromium, Path(folder)), host, port, token, key)
    except BaseException:
        chromium.process.kill()
        raise
    chromium.close()
    sys.stdout.write(said)


def fill_in_and_test(person, host, port, token, key):
    """Make the connection `filled_in`; give what the page says after its test, and that of a bad one."""
    person.press("Add Connection")
    person.fill("input[name=connection_id]", "filled_in")
    person.fill("[role=combobox]", "calendly")
    person.wait_for("[role=option]", "Calendly")
    person.enter()
    person.fill("input[name=host]", host)
    person.fill("input[name=port]", port)
    person.fill("input[name=password]", token)
    person.picture("form")
    person.press("Extra Fields", inside=FORM)
    person.fill("input[name=element_secret_signing_key]", key)
    person.wait_for(FORM, "Stored credential")
    person.picture("extra")
    person.press("Save", inside=FORM)
    person.wait_for(ROW, "filled_in")
    person.press("Test Connection", inside=ROW, with_words="filled_in")
    person.wait_for(TOAST, "Test Connection")
    person.press("Test Connection", inside=ROW, with_words="calendly_bad")
    person.wait_for(TOAST, "Test Connection Fail")
    person.picture("tested")
    return person.chromium.wait_for("document.body.innerText")


if __name__ == "__main__":
    main(*sys.argv[1:])

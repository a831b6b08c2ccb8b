"""A person with Chromium: fills in the connection form, saves it, presses Test and reads the messages.

    python person.py FOLDER ADDRESS HOST PORT <secrets

The secrets are a token and a signing key, one per line.

FOLDER holds the browser profile, and screenshots of the form and the messages. This is a separate process,
since the browser expects its pipes at low file descriptors.
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
    """Uses a page by its visible text."""

    def __init__(self, chromium, folder):
        self.chromium = chromium
        self.folder = folder

    def press(self, name, *, inside="body", with_text=""):
        """Press the button with this name, inside an element that contains the text."""
        self.chromium.wait_for(PRESS % tuple(map(json.dumps, (inside, with_text, name))))

    def fill(self, field, text):
        """Type into a field."""
        self.chromium.wait_for(FOCUS % json.dumps(f"{FORM} {field}"))
        self.chromium.call("Input.insertText", text=text)

    def enter(self):
        """Press the Enter key."""
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
        self.chromium.call("Input.dispatchKeyEvent", type="keyDown", text="\r", **key)
        self.chromium.call("Input.dispatchKeyEvent", type="keyUp", **key)

    def wait_for(self, selector, text):
        """Wait until an element contains the text."""
        found = f"[...document.querySelectorAll({json.dumps(selector)})]"
        self.chromium.wait_for(f"{found}.some(one => one.innerText.includes({json.dumps(text)}))")

    def picture(self, name):
        """Save a screenshot."""
        data = self.chromium.call("Page.captureScreenshot")["data"]
        (self.folder / f"{name}.png").write_bytes(base64.b64decode(data))


def main(folder, address, host, port):
    token, key = sys.stdin.read().split()
    chromium = Chromium(str(Path(folder) / "profile"))
    try:
        chromium.open(address)
        size = {"width": 1300, "height": 1300, "deviceScaleFactor": 1, "mobile": False}
        chromium.call("Emulation.setDeviceMetricsOverride", **size)
        text = fill_in_and_test(Person(chromium, Path(folder)), host, port, token, key)
    except BaseException:
        chromium.process.kill()
        raise
    chromium.close()
    sys.stdout.write(text)


def fill_in_and_test(person, host, port, token, key):
    """Create the connection `filled_in`, test it and a bad one, and return the page's text."""
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
    person.wait_for(FORM, "Stored credential")
    person.picture("extra")
    person.press("Advanced", inside=FORM)
    person.fill("input[name=element_secret_signing_key]", key)
    person.wait_for(FORM, "Any other plan")
    person.picture("advanced")
    person.press("Save", inside=FORM)
    person.wait_for(ROW, "filled_in")
    person.press("Test Connection", inside=ROW, with_text="filled_in")
    person.wait_for(TOAST, "Test Connection")
    person.press("Test Connection", inside=ROW, with_text="calendly_bad")
    person.wait_for(TOAST, "Test Connection Fail")
    person.picture("tested")
    return person.chromium.wait_for("document.body.innerText")


if __name__ == "__main__":
    main(*sys.argv[1:])

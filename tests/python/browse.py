"""Opens a page in headless Chromium and writes down what a reader would meet.

    browse.py PAGE.html FOLDER     -> FOLDER/facts.json, and screenshots for people

Facts: every request that the browser made and every message of its console, what is in the page (figures, tables, CSV
downloads, anchors), which colours text and lines have in light, dark and print, what the keyboard reaches, what sticks out.
"""
import base64
import json
import pathlib
import shutil
import sys
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --window-size=1150,1000""".split()

LOOK = """
const text = e => e ? e.textContent : null;
const table = t => ({id: t.id, head: [...t.tHead.rows[0].cells].map(text), rows: [...t.tBodies[0].rows].map(r => [...r.cells].map(text))});
const anchors = [...document.querySelectorAll('a[href^="#"]')].map(a => a.getAttribute('href').slice(1));
const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
const uses = [...document.querySelectorAll('svg use')].map(u => (u.getAttribute('href') || u.getAttribute('xlink:href')).slice(1));
return {
  title: document.title, language: document.documentElement.lang,
  h1: text(document.querySelector('h1')), headings: [...document.querySelectorAll('h2')].map(text),
  question: text(document.querySelector('#question')),
  answers: [...document.querySelectorAll('#answer p')].map(text), notes: [...document.querySelectorAll('#notes li')].map(e => e.textContent.trim()),
  figures: [...document.querySelectorAll('figure')].map(f => {
    const svg = f.querySelector('svg'), box = svg && svg.getBoundingClientRect();
    return {id: f.id, title: text(f.querySelector('h3')), caption: text(f.querySelector('figcaption')), drawn: !!svg,
      label: svg && svg.getAttribute('aria-label'), role: svg && svg.getAttribute('role'), width: box && box.width, height: box && box.height,
      texts: svg ? [...svg.querySelectorAll('text')].map(text) : [],
      dashes: svg ? [...new Set([...svg.querySelectorAll('[stroke-dasharray]')].map(e => e.getAttribute('stroke-dasharray')))] : [],
      marks: svg ? [...new Set([...svg.querySelectorAll('use')].map(u => u.getAttribute('xlink:href')))] : [],
      fixed: svg ? (svg.innerHTML.match(/rgb\\([^)]*\\)/g) || []) : []};
  }),
  tables: [...document.querySelectorAll('table')].map(table),
  downloads: [...document.querySelectorAll('a[download]')].map(a => ({name: a.download, href: a.href})),
  dangling: anchors.filter(a => !document.getElementById(a)).concat(uses.filter(u => !document.getElementById(u))),
  repeated: ids.filter((id, i) => ids.indexOf(id) !== i),
  markup: document.querySelectorAll('b, td *').length,
  fetched: performance.getEntriesByType('resource').map(e => e.name),
  wide: document.documentElement.scrollWidth > window.innerWidth,
};
"""

COLOURS = """
const of = (e, what) => e ? getComputedStyle(e)[what] : null;
const svg = document.querySelector('figure svg');
return {page: of(document.documentElement, 'backgroundColor'), ink: of(document.body, 'color'),
  picture_text: of(svg && svg.querySelector('text'), 'fill'), open: document.querySelectorAll('details[open]').length,
  navigation: of(document.querySelector('nav'), 'display'),
  lines: svg ? [...new Set([...svg.querySelectorAll('path[stroke]')].map(e => of(e, 'stroke')))] : []};
"""


def start(profile):
    options = Options()
    for flag in FLAGS + [f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    return webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)


def requests(driver):
    """Every request since the last call."""
    urls = []
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            urls.append(message["params"]["request"]["url"])
    return urls


def media(driver, scheme, kind="screen"):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": kind, "features": features})


def shoot(driver, path):
    size = driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
    clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 16000), "scale": 1}
    shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    path.write_bytes(base64.b64decode(shot["data"]))


def press_tab(driver):
    """What the Tab key reaches, in turn, until it is back at the top; Enter opens what is folded."""
    reached = []
    driver.execute_script("document.activeElement.blur(); window.scrollTo(0, 0)")
    for _ in range(400):
        driver.switch_to.active_element.send_keys(Keys.TAB)
        name = driver.execute_script("const e = document.activeElement; return e === document.body ? '' : "
                                     "e.tagName.toLowerCase() + (e.className ? '.' + e.className : '')")
        if not name:
            break
        reached.append(name)
    return reached


def opened_by_enter(driver):
    summary = driver.find_element(By.TAG_NAME, "summary")
    summary.send_keys(Keys.ENTER)
    return driver.execute_script("return arguments[0].parentNode.open", summary)


def browse(driver, page, folder):
    requests(driver)
    driver.get(page.as_uri())
    facts = driver.execute_script(LOOK)
    facts["requests"] = [u for u in requests(driver) if not u.startswith(("data:", "chrome:"))]
    facts["reached"] = press_tab(driver)
    facts["colours"] = {}
    for name, scheme, kind in (("light", "light", "screen"), ("dark", "dark", "screen"), ("print", "dark", "print")):
        media(driver, scheme, kind)
        facts["colours"][name] = driver.execute_script(COLOURS)
        shoot(driver, folder / f"{name}.png")
    media(driver, "light")
    driver.execute_cdp_cmd("Emulation.setEmulatedVisionDeficiency", {"type": "achromatopsia"})
    shoot(driver, folder / "grey.png")
    facts["opened"] = opened_by_enter(driver)
    facts["console"] = [entry["message"] for entry in driver.get_log("browser")]
    return facts


def main():
    page, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        driver = start(profile)
        try:
            facts = browse(driver, page, folder)
        finally:
            driver.quit()
    (folder / "facts.json").write_text(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()

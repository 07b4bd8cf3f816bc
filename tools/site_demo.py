"""Write the explorers as web pages that need no kernel, no network and no server: ``make site-demo``.

One self-contained file per grid explorer, the options of its menus computed beforehand; and every notebook
as HTML in which its grid explorers stay live, where ``jupyter nbconvert`` alone leaves pictures.
"""

import argparse
import base64
import html
import inspect
import itertools
import json
from pathlib import Path

import nbformat
import numpy as np
from ipywidgets import DOMWidget
from nbconvert import HTMLExporter

from losslab import explorers
from losslab.explorers import widget
from losslab.explorers.live import LiveExplorer

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "build" / "site"
FAKE_MODEL = Path(__file__).with_name("fake_model.js").read_text(encoding="utf-8")
MOST = 8  # pictures of one explorer on a page: each is up to a megabyte

# What stands in for Jupyter and its kernel: a model that looks up the answer to a menu.
SCRIPT = (
    FAKE_MODEL
    + """
const state = decode(document.getElementById("ID-state").textContent);
const { choices } = state.meta, chosen = {};
const reset = () => { for (const name in choices) chosen[name] = choices[name][0]; };
reset();
const answer = () => {
  const { choice = [], fresh, n } = state.ask;
  if (n === state.answered.n) return;
  if (fresh) reset();
  for (let k = 0; k < choice.length; k += 2) chosen[choice[k]] = choice[k + 1];
  const at = Object.entries(choices).map(([name, [, options]]) =>
    options.findIndex(([value]) => value === chosen[name]));
  const found = document.getElementById(`ID-${at.join("-")}`);
  model.take({ ...decode(found.textContent), answered: { n, problem: "" } });
};
const model = fakeModel(state, () => setTimeout(answer));
const code = document.getElementById("losslab-widget").textContent;
const module = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
await module.default.render({ model, el: document.getElementById("ID") });
"""
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --jp-ui-font-color1: CanvasText; }}
body {{ max-width: 1200px; margin: 0 auto; padding: 8px 12px; font: 15px/1.5 sans-serif; color: CanvasText; }}
h1 {{ font-size: 1.6em; }}
a {{ color: LinkText; }}
</style></head><body>
{body}
</body></html>
"""


def openers():
    """Return the functions that open an explorer, {name: function}."""
    return {name: getattr(explorers, name) for name in explorers.__all__}


def sent_traits(explorer):
    """Return what an explorer shares with the browser, without ipywidgets' own: {name: value}."""
    common = set(DOMWidget.class_trait_names(sync=True)) | {"_esm", "_css", "_anywidget_id"}
    return {name: getattr(explorer, name) for name in sorted(set(explorer.keys) - common)}


def encode(traits):
    """Return traits as JSON that can go into a script element; bytes in base64."""
    text = json.dumps(traits, default=lambda b: {"$bytes": base64.b64encode(b).decode()})
    return text.replace("<", "\\u003c")


def offered(explorer):
    """Return the menus that a page can offer: those that make the most pictures, but at most MOST."""
    names = list(explorer.menus)
    found = [some for n in range(len(names) + 1) for some in itertools.combinations(names, n)]
    pictures = {some: int(np.prod([len(explorer.menus[name]) for name in some])) for some in found}
    return list(max((some for some in found if pictures[some] <= MOST), key=pictures.get))


def alone(explorer, names):
    """Return what the browser is told, without what only a kernel could answer."""
    meta = explorer.meta
    return {**meta, "point": None, "choices": {name: meta["choices"][name] for name in names}}


def answers(explorer, names):
    """Compute what the kernel would answer to every combination of these menus: {"0-2": traits}."""
    found = {}
    for at in itertools.product(*(range(len(explorer.menus[name])) for name in names)):
        chosen = [list(explorer.menus[name])[k] for name, k in zip(names, at, strict=True)]
        explorer.ask = {
            "choice": list(itertools.chain(*zip(names, chosen, strict=True))),
            "n": -len(found) - 1,
        }
        told = {"meta": alone(explorer, names), "stages": explorer.stages, "atlas": explorer.atlas}
        found["-".join(map(str, at))] = told
    return found


def shared():
    """Return the style and the module, which a page needs once, whatever the number of its explorers."""
    js, css = widget.front()
    return f'<style>{css}</style><script id="losslab-widget" type="text/plain">{js}</script>'


def fragment(explorer, name):
    """Return the HTML of one grid explorer; `name` is an id that nothing else on the page has."""
    names = offered(explorer)
    data = {f"{name}-state": {**sent_traits(explorer), "meta": alone(explorer, names)}}
    data |= {f"{name}-{at}": told for at, told in answers(explorer, names).items()} if names else {}
    stored = "".join(
        f'<script id="{html.escape(key)}" type="application/json">{encode(value)}</script>'
        for key, value in data.items()
    )
    script = SCRIPT.replace("ID", name)
    return f'<div id="{name}"></div>{stored}<script id="{name}-script" type="module">{script}</script>'


def page(name, opener):
    """Return the page of one explorer."""
    says = inspect.getdoc(opener).splitlines()[0]
    body = f"<h1>{name}</h1><p>{html.escape(says)}</p>{shared()}<main>{fragment(opener(), name)}</main>"
    return PAGE.format(
        title=f"{name}: Loss to Launch", body=body + '<p><a href="index.html">all explorers</a></p>'
    )


def revive(nb):
    """Put a live explorer in place of each stored picture of one; return how many there were."""
    known, count = {"explorers": explorers}, 0
    for output in (output for cell in nb.cells for output in cell.get("outputs", [])):
        call = "".join(output.get("data", {}).get("text/plain", ""))
        if not call.startswith("explorers."):
            continue
        explorer = eval(call, known)  # what an explorer's repr promises
        if isinstance(explorer, LiveExplorer):
            continue
        count += 1
        output.data = {"text/html": (shared() if count == 1 else "") + fragment(explorer, f"explorer{count}")}
    return count


def export(path):
    """Return a stored notebook as HTML with its grid explorers live, and how many there are."""
    nb = nbformat.read(path, as_version=4)
    count = revive(nb)
    text, _ = HTMLExporter(embed_images=True).from_notebook_node(nb, {"metadata": {"name": path.stem}})
    return text, count


def index(names, stems):
    """Return the page that leads to all others."""

    def items(pairs):
        return "".join(f'<li><a href="{stem}.html">{html.escape(words)}</a></li>' for stem, words in pairs)

    says = {name: inspect.getdoc(opener).splitlines()[0] for name, opener in openers().items()}
    body = f"<h1>Loss to Launch</h1><ul>{items((name, f'{name}: {says[name]}') for name in names)}</ul>"
    body += f"<h2>Chapters</h2><ul>{items((stem, stem) for stem in stems)}</ul>"
    if rest := [
        f"<li>{html.escape(f'{name}: {text}')}</li>" for name, text in says.items() if name not in names
    ]:
        body += (
            f"<h2>Only in a notebook</h2><p>Python computes these while you move.</p><ul>{''.join(rest)}</ul>"
        )
    return PAGE.format(title="Loss to Launch", body=f"<main>{body}</main>")


def write(folder, name, text):
    """Write one page and say how large it is."""
    path = Path(folder) / f"{name}.html"
    path.write_text(text, encoding="utf-8", newline="\n")
    print(f"{path}  {path.stat().st_size / 1e6:.1f} MB", flush=True)


def main(folder):
    """Write every page."""
    folder.mkdir(parents=True, exist_ok=True)
    names, stems = [], []
    for name, opener in openers().items():
        if not isinstance(opener(), LiveExplorer):
            write(folder, name, page(name, opener))
            names.append(name)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        text, count = export(path)
        if count:
            write(folder, path.stem, text)
            stems.append(path.stem)
    write(folder, "index", index(names, stems))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=SITE)
    main(parser.parse_args().folder)

"""Folders with a space, other letters, %, # and brackets, and long ones: neither URLs nor patterns."""

import tempfile

import nbformat
import pytest
import site_demo
import torch

import notebooks
from losslab.data import pixels
from losslab.learning import checkpoints, models, saving, training
from losslab.parallel import torchrun

pytestmark = pytest.mark.trains

FOLDERS = {"odd": "a b/ü 一 %20 #x [y] {z} ?", "long": "/".join(["a long name " * 4] * 5)}


@pytest.fixture(params=FOLDERS)
def folder(request, tmp_path, monkeypatch):
    """Such a folder, in which temporary files lie, too."""
    path = tmp_path / FOLDERS[request.param].strip()
    path.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    return path


def launch(folder):
    return torchrun.launch("--steps", "1", limit=60, processes=1)["world"] == 1


def run_a_notebook(folder):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import os\nprint(os.getcwd())")])
    nbformat.write(nb, folder / "in.ipynb")
    notebooks.execute(folder / "in.ipynb", folder / "out.ipynb")
    done = nbformat.read(folder / "out.ipynb", as_version=4)
    return done.cells[0].outputs[0].text.strip() == str(folder)


def save_a_model(folder):
    model, scale = models.Net(), pixels.Transform(0.1, 0.3, (28, 28), tuple("0123456789"))
    saving.save(folder / "net.safetensors", model, scale)
    return saving.load(folder / "net.safetensors", models.Net()) == scale


def go_on_from_a_checkpoint(folder):
    kept = checkpoints.Folder(folder / "run")
    images, labels = torch.eye(10, 784), torch.arange(10)
    knobs = {"epochs": 1, "batch_size": 10, "checkpoint": kept, "progress": False}
    first, again = (training.fit(models.Net(), images, labels, **knobs) for _ in range(2))
    return first == again


def write_a_page(folder):
    site_demo.write(folder, "page", "<p>一</p>")
    return (folder / "page.html").read_text(encoding="utf-8") == "<p>一</p>"


USES = [launch, run_a_notebook, save_a_model, go_on_from_a_checkpoint, write_a_page]


@pytest.mark.parametrize("use", USES, ids=lambda f: f.__name__)
def test_any_folder_will_do(folder, use):
    assert use(folder)

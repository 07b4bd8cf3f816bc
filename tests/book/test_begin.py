"""The reader's shell and configuration change nothing that a chapter shows, or are named in a sentence."""

import os
import subprocess
import sys

import pytest
from jupyter_client.manager import start_new_kernel

BEGIN = "import matplotlib.pyplot as plt\nfrom losslab.book import environment\nenvironment.begin()"
FIGURE = (
    "fig, ax = plt.subplots()\nax.plot([0, 1], [0, 1], label='$w$')\nax.set_title('A slope')\nax.legend()\n"
)
CELLS = (
    BEGIN,
    FIGURE + "None",
    FIGURE + "plt.show()\nprint('shown')",
    "import torch\nplt.get_fignums(), torch.get_num_threads()",
    BEGIN,
    FIGURE + "None",
)
RC = (
    "text.usetex: True\nfigure.dpi: 200\nsavefig.dpi: 30\nsavefig.transparent: True\nfont.family: monospace\n"
)
RC += "axes.facecolor: black\nlines.linewidth: 9\nfigure.figsize: 2, 2\ninteractive: False\nbackend: svg\n"
INLINE = "c.InlineBackend.figure_formats = {'svg'}\nc.InlineBackend.print_figure_kwargs = {'dpi': 20}\n"
INLINE += "c.InlineBackend.close_figures = False\nc.InlineBackend.rc = {'font.size': 30}\n"
PROFILE, STARTUP = "profile_default/ipython_kernel_config.py", "profile_default/startup/10-mine.py"
# name: environment variables ({} is the reader's folder), {file in that folder: text}, words of the sentence
SETTINGS = {
    "MPLBACKEND": ({"MPLBACKEND": "agg"}, {}, None),
    "matplotlibrc": ({"MATPLOTLIBRC": "{}/matplotlibrc"}, {"matplotlibrc": RC}, None),
    "figures inline": ({}, {PROFILE: INLINE}, None),
    "profile": ({}, {PROFILE: "c.InteractiveShell.ast_node_interactivity = 'all'"}, f"/{PROFILE} may change"),
    "extension": ({}, {PROFILE: "c.IPKernelApp.matplotlib = 'agg'"}, f"/{PROFILE} may change"),
    "startup": ({}, {STARTUP: "import matplotlib.pyplot as plt\nplt.ioff()"}, f"/{STARTUP} may change"),
    "PYTHONSTARTUP": (
        {"PYTHONSTARTUP": "{}/mine.py"},
        {"mine.py": "import numpy\nnumpy.set_printoptions(precision=1)"},
        "PYTHONSTARTUP=",
    ),
    "PYTHONOPTIMIZE": ({"PYTHONOPTIMIZE": "1"}, {}, "PYTHONOPTIMIZE may change"),
    "harmless": (
        {"PYTHONHASHSEED": "7", "LANG": "C", "PYTHONWARNINGS": "ignore"},
        {"profile_default/startup/README": ""},
        None,
    ),
}
OUTPUTS = ("stream", "display_data", "execute_result", "error")
OURS = ("MPL", "MATPLOTLIB", "PYTHON", "IPYTHON", "OMP", "MKL", "LANG")


def shown(folder, variables):
    """Run CELLS in a kernel as a server starts it; return the outputs of each, as (type, content)."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    manager, client = start_new_kernel(
        kernel_name="python3", env=clean | {"IPYTHONDIR": str(folder)} | variables
    )
    found = []
    try:
        for cell in CELLS:
            messages = []
            client.execute_interactive(cell, timeout=120, output_hook=messages.append)
            found.append([outcome(message) for message in messages if message["msg_type"] in OUTPUTS])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return found


def outcome(message):
    """Return the type of an output and what is in it, of an error its last line."""
    content = message["content"]
    return message["msg_type"], content.get("data") or content.get("text") or content.get("evalue")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """What the cells show without any settings."""
    return shown(tmp_path_factory.mktemp("plain"), {})


def test_the_pictures_come_below_their_cells_once_and_nothing_is_printed(plain):
    first, drawn, printed, state, again, redrawn = plain
    assert first == again == []
    assert [kind for kind, _ in drawn] == ["display_data"]
    assert set(drawn[0][1]) == {"text/plain", "image/png"}
    assert redrawn == drawn
    assert printed == [*drawn, ("stream", "shown\n")]
    assert state == [("execute_result", {"text/plain": "([], 1)"})]


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_the_reader_change_nothing_or_are_named(name, plain, tmp_path):
    variables, files, words = SETTINGS[name]
    for file, text in files.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    first, *rest = shown(tmp_path, {key: value.format(tmp_path) for key, value in variables.items()})
    if words is None:
        assert first == []
    else:
        ((kind, said),) = first
        assert said.startswith("TO DO  settings: ")
        assert words in said
    pictures = [[content for kind, content in outputs if kind == "display_data"] for outputs in rest]
    assert pictures == [[c for kind, c in outputs if kind == "display_data"] for outputs in plain[1:]]


def test_a_script_keeps_its_backend_and_gets_our_style(tmp_path):
    (tmp_path / "matplotlibrc").write_text(RC)
    settings = {"MPLBACKEND": "svg", "MATPLOTLIBRC": str(tmp_path / "matplotlibrc")}
    code = BEGIN + "\nprint(plt.get_backend(), plt.rcParams['figure.dpi'], plt.rcParams['text.usetex'])"
    run = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | settings, capture_output=True, text=True
    )
    assert run.stdout == "svg 84.0 False\n", run.stderr

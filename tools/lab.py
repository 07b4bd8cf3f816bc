"""Open JupyterLab on the start notebook: the recipe of ``make lab``.

It listens on 127.0.0.1 only and asks for the token that its printed address carries, whatever the reader's
own Jupyter configuration says; the rest of that configuration stays in force. JupyterLab's news and update
notices, which ask the reader a question and the network another, are off (``tools/jupyter``).
"""

import argparse
import contextlib
import os
import secrets
import socket
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START = "notebooks/00_start_here.ipynb"
HOST = "127.0.0.1"
FIRST = 8888
CONNECTION = "losslab.book.nodelay.PromptConnection"  # a kernel's answers arrive at once


def refusal(port):
    """Return why ``port`` cannot be listened on, in the system's words, or None if it can.

    Parameters
    ----------
    port : int
        1 to 65535.
    """
    with socket.socket() as probe:
        if os.name == "posix":  # as the server does: a port that was closed a second ago is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error.strerror
    return None


def first_free(start):
    """Return the first port that can be listened on, of a hundred from ``start`` on."""
    for port in range(start, min(start + 100, 65536)):
        if refusal(port) is None:
            return port
    raise SystemExit(f"No port from {start} on is free. Name one that is:  make lab PORT=12345")


def choose_port(wanted):
    """Return the port to serve on.

    Parameters
    ----------
    wanted : str or None
        The reader's ``PORT=…``, taken or refused but never replaced. None or empty: any free port.
    """
    if not wanted:
        port = first_free(FIRST)
        if port != FIRST:
            print(f"Port {FIRST} is taken, so this is port {port}.")
        return port
    if not (wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= 65535):
        raise SystemExit(f"PORT must be a number from 1 to 65535, got {wanted!r}. Say:  make lab PORT=9000")
    if reason := refusal(int(wanted)):
        free = first_free(max(1024, int(wanted) % 65535 + 1))
        raise SystemExit(f"Port {wanted} cannot be used: {reason}. Type instead:  make lab PORT={free}")
    return int(wanted)


def has_display(environ=os.environ, platform=sys.platform):
    """Whether a browser can be opened here: not on Linux without a display, nor if ``NO_BROWSER`` is set."""
    if environ.get("NO_BROWSER"):
        return False
    return platform != "linux" or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def writable_home():
    """Make HOME a folder in ``.venv``, and say so, if it cannot be written to: Jupyter needs one."""
    try:
        tempfile.TemporaryFile(dir=Path.home()).close()
    except (OSError, RuntimeError):
        home = ROOT / ".venv" / "home"
        home.mkdir(parents=True, exist_ok=True)
        print(f"The home folder cannot be written, so Jupyter keeps its settings in {home}.")
        os.environ["HOME"] = os.environ["USERPROFILE"] = str(home)


def arguments(port, token, *, root, browser):
    """Return JupyterLab's command line, which overrules every configuration file and variable.

    Parameters
    ----------
    port : int
    token : str
        What the server asks for; a password that the reader has set works, too.
    root : bool
        Whether this is the superuser, for whom JupyterLab only runs when told to.
    browser : bool
        Whether it should open a browser.
    """
    return [
        f"--ServerApp.ip={HOST}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        *(f"--ServerApp.{name}=" for name in ("sock", "certfile", "keyfile", "client_ca")),
        "--ServerApp.ssl_options={}",
        "--ServerApp.base_url=/",
        "--ServerApp.identity_provider_class=jupyter_server.auth.identity.PasswordIdentityProvider",
        f"--IdentityProvider.token={token}",
        "--PasswordIdentityProvider.password_required=False",  # the token is enough
        "--ServerApp.authorizer_class=jupyter_server.auth.authorizer.AllowAllAuthorizer",
        "--ServerApp.disable_check_xsrf=False",
        *(f"--ServerApp.{name}=" for name in ("allow_origin", "allow_origin_pat")),
        "--ServerApp.allow_remote_access=False",
        f"--ServerApp.root_dir={ROOT}",
        f"--LabApp.default_url=/lab/tree/{START}",
        f"--ServerApp.kernel_websocket_connection_class={CONNECTION}",
        "--ServerApp.answer_yes=True",  # Ctrl-C stops it without a question (make has gone by then)
        "--Application.log_level=WARN",
        *(["--allow-root"] if root else []),
        *([] if browser else ["--no-browser"]),
    ]


def main():
    """Serve the notebooks until Ctrl-C."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    port, token = choose_port(os.environ.get("PORT")), secrets.token_hex(24)
    writable_home()
    paths = [str(ROOT / "tools" / "jupyter"), os.environ.get("JUPYTER_CONFIG_PATH")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    print(f"JupyterLab serves {START} on this machine only ({HOST}:{port}). Ctrl-C stops it.", flush=True)
    from jupyterlab.labapp import LabApp  # takes seconds: whatever can be refused has been by now

    from losslab.book import above

    with contextlib.suppress(OSError):  # a .venv that is only read works too, with shorter errors
        above.install()
    server = LabApp.initialize_server(argv=arguments(port, token, root=root, browser=has_display()))
    address = f"http://{HOST}:{port}/lab/tree/{START}?token={token}"
    said = f"\nCopy this address into a browser:\n\n    {address}\n"
    server.io_loop.add_callback(print, said, flush=True)  # comes after the one that opens the port
    server.start()


if __name__ == "__main__":
    main()

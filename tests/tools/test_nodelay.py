"""Kernel messages reach the browser at once in the servers that we start, and in no others."""

import json
import os
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import websocket

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs bash, and the servers that test_lab starts")
ROOT = Path(__file__).resolve().parents[2]
JUPYTERLAB = ("-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1")
SPY = """
import gc, json, socket
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from tornado.web import RequestHandler

class Spy(RequestHandler):
    def get(self):
        open_ones = [o for o in gc.get_objects() if isinstance(o, KernelWebsocketHandler) and o.ws_connection]
        sockets = [o.ws_connection.stream.socket for o in open_ones]
        self.write(json.dumps([s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for s in sockets]))

def _load_jupyter_server_extension(server):
    server.web_app.add_handlers(".*", [("/spy", Spy)])
"""


def wait_for(url):
    """JupyterLab alone prints its address a moment before it listens there."""
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", urllib.parse.urlsplit(url).port)) == 0:
                return
        time.sleep(0.1)


@pytest.fixture
def delays(serve, tmp_path):
    """Return a function: whether a kernel's messages wait in a server, asked of its own sockets."""
    (tmp_path / "spy.py").write_text(SPY)
    config = {"ServerApp": {"jpserver_extensions": {"spy": True}}}
    (tmp_path / "jupyter_server_config.json").write_text(json.dumps(config))

    def ask(**server):
        url = serve(PYTHONPATH=str(tmp_path), JUPYTER_CONFIG_DIR=str(tmp_path), **server).url()
        wait_for(url)
        address, token = url.split("/lab")[0], {"Authorization": f"token {url.split('token=')[1]}"}
        request = urllib.request.Request(f"{address}/api/kernels", b"{}", token, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            channels = f"{address.replace('http', 'ws')}/api/kernels/{json.load(answer)['id']}/channels"
        kernel = websocket.create_connection(channels, timeout=60, header=token, suppress_origin=True)
        with urllib.request.urlopen(f"{address}/spy", timeout=60) as answer:
            (option,) = json.load(answer)
        kernel.close()
        return not option

    return ask


def test_make_lab_does_not_delay(delays):
    assert not delays()


def test_a_server_of_an_environment_that_has_the_package_is_left_alone(delays):
    assert delays(command=JUPYTERLAB)


def test_binder_does_not_delay(delays, script, tmp_path):
    """Its set-up runs with stand-ins for what it installs, and the server finds what that leaves."""
    path = [script(name, "exit 0").parent for name in ("python", "jupyter")][0]
    environ = {"PATH": f"{path}:/usr/bin:/bin", "NB_PYTHON_PREFIX": str(tmp_path)}
    subprocess.run([ROOT / "binder" / "postBuild"], cwd=ROOT, env=environ, check=True)
    assert not delays(command=JUPYTERLAB, JUPYTER_CONFIG_PATH=str(tmp_path / "etc" / "jupyter"))

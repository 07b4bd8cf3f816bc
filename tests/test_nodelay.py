"""Kernel messages reach the browser at once: the server extension, alone and in real Jupyter servers."""

import asyncio
import importlib.metadata
import json
import shutil
import socket
import statistics
import subprocess
import sys
import time
import tomllib
import urllib.request
import uuid
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
import websocket
from browser import jupyterlab
from jupyter_core.paths import jupyter_config_path
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect

from losslab.book import nodelay

ROOT = Path(__file__).resolve().parents[1]
ENABLED = ROOT / "etc" / "jupyter" / "jupyter_server_config.d" / "losslab.json"


# --- how it gets in ---


def test_the_package_ships_the_file_that_enables_it():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    assert build["targets"]["wheel"]["shared-data"] == {"etc/jupyter": "etc/jupyter"}
    (name,) = json.loads(ENABLED.read_text())["ServerApp"]["jpserver_extensions"]
    assert (
        nodelay._jupyter_server_extension_points()
        == [{"module": name}]
        == [{"module": "losslab.book.nodelay"}]
    )


def test_installing_has_put_it_where_jupyter_looks():
    files = (path.locate().resolve() for path in importlib.metadata.files("losslab"))
    found = [path for path in files if path.name == ENABLED.name]
    assert found, "this environment is older than pyproject.toml; `make lab` renews it"
    folders = [Path(folder).resolve() for folder in jupyter_config_path()]
    assert found[0].parents[1] in folders
    assert found[0].parent.name == "jupyter_server_config.d"
    assert json.loads(found[0].read_text()) == json.loads(ENABLED.read_text())


def test_a_server_that_starts_does_not_wait_for_the_package():
    code = (
        "import sys; old = set(sys.modules); import losslab.book.nodelay as n; print(*set(sys.modules) - old)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"losslab", "losslab.book", "losslab.book.nodelay"}


# --- what it does ---


class Log(list):
    def warning(self, message, *words):
        self.append(message % words)


def loaded(settings):
    """Load the extension into a server with these settings; return what it logs."""
    server = SimpleNamespace(web_app=SimpleNamespace(settings=settings), log=Log())
    nodelay._load_jupyter_server_extension(server)
    return server.log


class Connection:
    """Stands for the server's class that connects a browser to a kernel."""

    def __init__(self, websocket_handler):
        self.websocket_handler, self.log = websocket_handler, Log()

    def connect(self):
        return "connected"


@pytest.fixture(params=["on", "off"])
def switch(request, monkeypatch):
    """Start the test with the extension switched on, then off, by the environment variable."""
    monkeypatch.delenv("LOSSLAB_NODELAY", raising=False)
    if request.param == "off":
        monkeypatch.setenv("LOSSLAB_NODELAY", "0")
    return request.param


def test_the_socket_of_a_connection_does_not_delay(switch):
    settings = {nodelay.SETTING: Connection}
    assert loaded(settings) == []
    options = []

    class Kernel(WebSocketHandler):
        def open(self):
            assert settings[nodelay.SETTING](self).connect() == "connected"
            stream = self.ws_connection.stream
            options.append(stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            self.close()

    async def connect():
        server = HTTPServer(Application([("/", Kernel)]))
        (listening,) = bind_sockets(0, "127.0.0.1")
        server.add_sockets([listening])
        client = await websocket_connect(f"ws://127.0.0.1:{listening.getsockname()[1]}/")
        assert await client.read_message() is None  # the handler has closed it
        client.close()
        server.stop()
        await server.close_all_connections()

    asyncio.run(connect())
    assert [bool(option) for option in options] == [switch == "on"]


def test_a_server_that_has_changed_inside_works_on_and_says_so_in_one_line(monkeypatch):
    monkeypatch.delenv("LOSSLAB_NODELAY", raising=False)
    (line,) = loaded({})
    assert line.startswith("losslab.book.nodelay: kernel messages stay as slow as they were (KeyError(")
    settings = {nodelay.SETTING: Connection}
    loaded(settings)
    changed = settings[nodelay.SETTING](SimpleNamespace())  # a handler without set_nodelay
    assert changed.connect() == "connected"
    assert len(changed.log) == 1


# --- what it is worth, over a real websocket to a real kernel ---

ECHO = """
from ipykernel.comm import Comm
from comm import get_comm_manager
def opened(comm, message):
    comm.on_msg(lambda message: comm.send(message["content"]["data"]))
get_comm_manager().register_target("echo", opened)
"""


class Kernel:
    """A kernel behind a Jupyter server, and a websocket to it as a browser opens one."""

    def __init__(self, address, token):
        self.token, self.session = token, uuid.uuid4().hex
        request = urllib.request.Request(
            f"{address}/api/kernels", b"{}", {"Authorization": f"token {token}"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            kernel = json.load(answer)["id"]
        url = f"{address.replace('http', 'ws')}/api/kernels/{kernel}/channels?session_id={self.session}"
        self.socket = websocket.create_connection(
            url, timeout=60, header=[f"Authorization: token {token}"], suppress_origin=True
        )
        self.send("execute_request", code=ECHO, silent=False, store_history=False, allow_stdin=False)
        self.wait("status", execution_state="busy")
        self.wait("status", execution_state="idle")
        self.send("comm_open", comm_id="1", target_name="echo", data={})
        self.wait("status", execution_state="idle")

    def send(self, kind, **content):
        header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "session": self.session, "username": ""}
        header |= {"date": "", "version": "5.3"}
        message = {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}}
        self.parent = header["msg_id"]
        self.socket.send(json.dumps(message | {"content": content, "buffers": []}))

    def wait(self, kind, **content):
        """Read until an answer of this kind to the last message sent is there."""
        while True:
            got = json.loads(self.socket.recv())
            ours = (got["parent_header"].get("msg_id"), got["msg_type"]) == (self.parent, kind)
            if ours and content.items() <= got["content"].items():
                return

    def round_trip(self, n):
        """Seconds from sending a comm message until the kernel has echoed it and is ready for the next."""
        begin = time.perf_counter()
        self.send("comm_msg", comm_id="1", data={"n": n})
        self.wait("comm_msg", data={"n": n})
        self.wait("status", execution_state="idle")
        return time.perf_counter() - begin


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """Two kernels behind two real servers: one that has switched the extension off, one that has not."""
    with ExitStack() as stack:
        found = []
        for switch in ("0", "1"):
            root = tmp_path / switch
            config = root / ".config" / "jupyter_server_config.d"
            config.mkdir(parents=True)
            shutil.copy(ENABLED, config)
            monkeypatch.setenv("LOSSLAB_NODELAY", switch)
            kernel = Kernel(*stack.enter_context(jupyterlab(root)))
            stack.callback(kernel.socket.close)
            found.append(kernel)
        yield found


@pytest.mark.skipif(sys.platform != "linux", reason="how long acknowledgements wait depends on the system")
def test_a_round_trip_takes_less_than_half_the_time(kernels):
    """The two take turns, so that a noisy machine disturbs both alike."""
    times = [[kernel.round_trip(n) for kernel in kernels] for n in range(60)]
    delayed, prompt = (1000 * statistics.median(column) for column in zip(*times, strict=True))
    assert prompt < delayed / 2, f"{prompt:.1f} ms with the extension, {delayed:.1f} ms without it"

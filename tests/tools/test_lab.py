"""``make lab`` serves the start notebook to this machine only, behind a token, and says what went wrong."""

import http.cookiejar
import os
import re
import socket
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import lab
import psutil  # ipykernel brings it
import pytest
from jupyter_server.auth import passwd

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs make, bash and POSIX signals")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def listener():
    """Listen on a free port of 127.0.0.1 and return its number."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


# --- the port ---


def test_a_port_somebody_listens_on_is_refused(listener):
    assert lab.refusal(listener) == "Address already in use"


def test_a_port_that_was_closed_a_moment_ago_is_not_refused():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        connection, _ = server.accept()
        connection.close()  # the server's side ends first and waits (TIME_WAIT)
        client.close()
    assert lab.refusal(port) is None


def test_a_taken_port_is_named_with_one_that_is_free(listener):
    with pytest.raises(SystemExit) as stop:
        lab.choose_port(str(listener))
    said = stop.value.code
    assert said.startswith(
        f"Port {listener} cannot be used: Address already in use. Type instead:  make lab PORT="
    )
    instead = int(said.rpartition("=")[2])
    assert instead != listener
    assert lab.refusal(instead) is None


@pytest.mark.parametrize("wanted", ["abc", "0", "65536", "-1", "8888.5", "٣"])
def test_what_is_no_port_is_refused(wanted):
    with pytest.raises(SystemExit, match="PORT must be a number from 1 to 65535, got"):
        lab.choose_port(wanted)


def test_a_wanted_port_that_is_free_is_taken(listener):
    free = lab.first_free(listener + 1)
    assert lab.choose_port(str(free)) == free


@pytest.mark.parametrize("wanted", [None, ""])
def test_without_a_wish_the_next_free_port_is_taken_and_announced(wanted, listener, monkeypatch, capsys):
    monkeypatch.setattr(lab, "FIRST", listener)
    port = lab.choose_port(wanted)
    assert port > listener
    assert capsys.readouterr().out == f"Port {listener} is taken, so this is port {port}.\n"


def test_the_usual_port_is_taken_silently(listener, monkeypatch, capsys):
    monkeypatch.setattr(lab, "FIRST", lab.first_free(listener + 1))
    assert lab.choose_port(None) == lab.FIRST
    assert capsys.readouterr().out == ""


# --- the command line ---


@pytest.mark.parametrize(
    ("environ", "platform", "shown"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "linux", False),
        ({"DISPLAY": ""}, "linux", False),
        ({}, "darwin", True),
        ({}, "win32", True),
        ({"DISPLAY": ":0", "NO_BROWSER": "1"}, "linux", False),
        ({"NO_BROWSER": "1"}, "darwin", False),
    ],
)
def test_a_browser_is_opened_only_where_there_is_a_display(environ, platform, shown):
    assert lab.has_display(environ, platform) is shown


@pytest.mark.parametrize("root", [True, False])
@pytest.mark.parametrize("browser", [True, False])
def test_root_and_browser_have_their_flags(root, browser):
    arguments = lab.arguments(8888, "token", root=root, browser=browser)
    assert ("--allow-root" in arguments) is root
    assert ("--no-browser" in arguments) is not browser


def test_the_start_notebook_exists():
    assert (ROOT / lab.START).is_file()


# --- the real thing ---


@pytest.fixture(scope="module")
def running(serve):
    """Return the address of a running server and its process."""
    server = serve()
    return server.url(), server.process


def get(address):
    """Return (status, text) of an address on this machine."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def test_the_printed_address_leads_to_the_start_notebook(running):
    url, _ = running
    assert re.fullmatch(rf"http://127\.0\.0\.1:\d+/lab/tree/{lab.START}\?token=[0-9a-f]{{40,}}", url)
    status, page = get(url)
    assert status == 200
    assert "jupyter-config-data" in page


def assert_it_serves_this_machine_behind_its_token(url, process):
    address, token = url.split("/lab/")[0], url.split("?")[1]
    assert get(f"{address}/api/status?{token}")[0] == 200
    assert get(f"{address}/api/status")[0] == 403
    assert get(f"{address}/api/status?token=wrong")[0] == 403
    assert get(f"{address}/api/contents/{lab.START}?{token}&content=0")[0] == 200
    listening = [
        c for c in psutil.Process(process.pid).net_connections("tcp") if c.status == psutil.CONN_LISTEN
    ]
    assert {c.laddr.ip for c in listening} == {"127.0.0.1"}
    assert int(re.search(r":(\d+)/", url)[1]) in {c.laddr.port for c in listening}


def test_only_this_machine_is_served_behind_a_token(running):
    assert_it_serves_this_machine_behind_its_token(*running)


def test_no_news_are_asked_for_or_fetched(running):
    url, _ = running
    disabled = re.search(r'"disabledExtensions": \[([^]]*)\]', get(url)[1])[1]
    assert '"@jupyterlab/apputils-extension:announcements"' in disabled


def test_a_second_one_on_the_same_port_says_what_to_type(running, serve):
    port = re.search(r":(\d+)/", running[0])[1]
    second = serve(port).process
    said, _ = second.communicate(timeout=60)
    assert second.returncode != 0
    assert f"Port {port} cannot be used: Address already in use. Type instead:  make lab PORT=" in said


def test_ctrl_c_in_a_terminal_ends_it_without_a_question(serve):
    ours, its = os.openpty()
    server = serve(terminal=its)
    server.url()
    said = server.interrupt()
    os.close(ours)
    os.close(its)
    assert "Shutting down" in said
    assert "Shut down this Jupyter server" not in said
    assert server.process.returncode == 0


# --- what the reader has set for Jupyter ---

ELSEWHERE = """
c.ServerApp.ip, c.ServerApp.port, c.ServerApp.base_url = "0.0.0.0", 9, "/hub/"
c.ServerApp.sock = "/nowhere/socket"
c.ServerApp.certfile = c.ServerApp.keyfile = "/nowhere.pem"
c.ServerApp.ssl_options = {"certfile": "/nowhere.pem"}
c.ServerApp.root_dir = "/"
c.ServerApp.default_url = c.LabApp.default_url = "/tree"
c.ServerApp.jpserver_extensions = {"jupyterlab": False, "not_there": True}
c.PasswordIdentityProvider.password_required = True
"""
OPEN = """
c.ServerApp.token = c.IdentityProvider.token = c.PasswordIdentityProvider.hashed_password = ""
c.ServerApp.identity_provider_class = "jupyter_server.auth.identity.IdentityProvider"
c.ServerApp.disable_check_xsrf = c.ServerApp.allow_remote_access = c.ServerApp.allow_credentials = True
c.ServerApp.allow_origin = "*"
"""
PASSWORD = f"c.PasswordIdentityProvider.hashed_password = {passwd('secret')!r}"


def configured(folder, text):
    """Write a Jupyter configuration into an empty folder; return the variable that names the folder."""
    (folder / "jupyter_server_config.py").write_text(text, encoding="utf-8")
    return {"JUPYTER_CONFIG_DIR": str(folder)}


class Client:
    """A browser: it keeps cookies."""

    def __init__(self, address):
        self.address, self.jar = address, http.cookiejar.CookieJar()
        handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.jar)
        self.opener = urllib.request.build_opener(*handlers)

    def ask(self, path, origin=None, **form):
        """Return the status that a page is answered with, or a form that is sent to it."""
        data = urllib.parse.urlencode(form).encode() if form else None
        request = urllib.request.Request(self.address + path, data, {"Origin": origin} if origin else {})
        try:
            with self.opener.open(request, timeout=20) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def xsrf(self):
        return next(cookie.value for cookie in self.jar if cookie.name == "_xsrf")


@pytest.mark.parametrize("text", [PASSWORD, ELSEWHERE, OPEN], ids=["password", "elsewhere", "open"])
def test_the_readers_configuration_neither_moves_nor_opens_the_server(text, serve, tmp_path):
    proxies = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    server = serve(**configured(tmp_path, text), **proxies, JUPYTER_TOKEN="")
    url = server.url()
    assert_it_serves_this_machine_behind_its_token(url, server.process)
    browser = Client(url.split("/lab/")[0])
    assert browser.ask(f"/lab/tree/{lab.START}?{url.split('?')[1]}") == 200
    assert browser.ask("/api/status") == 200  # the cookie is enough now
    assert browser.ask("/api/status", origin="http://elsewhere.org") == 404  # but not for another site
    assert browser.ask("/api/contents", type="file") == 403  # or a form that another site sends


def test_a_password_that_the_reader_has_set_is_good_too(serve, tmp_path):
    browser = Client(serve(**configured(tmp_path, PASSWORD)).url().split("/lab/")[0])
    assert browser.ask("/login") == 200
    assert browser.ask("/login", password="wrong", _xsrf=browser.xsrf()) == 401
    assert browser.ask("/login?next=/api/status", password="secret", _xsrf=browser.xsrf()) == 200


def test_a_home_that_cannot_be_written_is_replaced(serve, tmp_path):
    (tmp_path / "file").touch()
    server = serve(HOME=str(tmp_path / "file" / "home"))
    assert get(server.url())[0] == 200
    assert "The home folder cannot be written, so Jupyter keeps its settings in" in "".join(server.said)

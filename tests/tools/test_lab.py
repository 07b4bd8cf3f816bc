"""``make lab`` serves the start notebook to this machine only, behind a token, and says what went wrong."""

import http.cookiejar
import os
import re
import socket
import urllib.error
import urllib.parse
import urllib.request

import lab
import psutil  # ipykernel brings it
import pytest
from jupyter_server.auth import passwd

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and a terminal")


# --- the port ---


@pytest.fixture
def listener():
    """Listen on a free port of 127.0.0.1 and return its number."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("wanted", ["abc", "0", "65536", "-1", "8888.5", "٣"])
def test_what_is_no_port_is_refused(wanted):
    with pytest.raises(SystemExit, match="PORT must be a number from 1 to 65535, got"):
        lab.choose_port(wanted)


@pytest.mark.parametrize("wanted", [None, ""])
def test_without_a_wish_the_next_free_port_is_taken_and_announced(wanted, listener, monkeypatch, capsys):
    monkeypatch.setattr(lab, "FIRST", listener)
    port = lab.choose_port(wanted)
    assert port > listener
    assert capsys.readouterr().out == f"Port {listener} is taken, so this is port {port}.\n"
    monkeypatch.setattr(lab, "FIRST", port)
    assert lab.choose_port(wanted) == port
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("environ", "platform", "shown"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"DISPLAY": ""}, "linux", False),
        ({}, "darwin", True),
        ({"DISPLAY": ":0", "NO_BROWSER": "1"}, "linux", False),
    ],
)
def test_a_browser_is_opened_only_where_there_is_a_display(environ, platform, shown):
    assert lab.has_display(environ, platform) is shown
    arguments = lab.arguments(8888, "token", root=False, browser=shown)
    assert ("--no-browser" in arguments) is not shown


# --- the real thing ---


@pytest.fixture(scope="module")
def running(serve):
    """Return the address of a running server and its process."""
    server = serve()
    return server.url(), server.process


class Client:
    """A browser: it keeps cookies."""

    def __init__(self, url):
        self.address, self.token, self.jar = (
            url.split("/lab/")[0],
            url.split("?")[1],
            http.cookiejar.CookieJar(),
        )
        handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.jar)
        self.opener = urllib.request.build_opener(*handlers)

    def ask(self, path, origin=None, **form):
        """Return the status that a page is answered with, or a form that is sent to it."""
        data = urllib.parse.urlencode(form).encode() if form else None
        request = urllib.request.Request(self.address + path, data, {"Origin": origin} if origin else {})
        try:
            with self.opener.open(request, timeout=20) as answer:
                self.page = answer.read().decode()
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def xsrf(self):
        return next(cookie.value for cookie in self.jar if cookie.name == "_xsrf")


def assert_it_serves_this_machine_behind_its_token(url, process):
    """Return a browser that has been there."""
    browser = Client(url)
    assert browser.ask("/api/status") == browser.ask("/api/status?token=wrong") == 403
    assert browser.ask(f"/lab/tree/{lab.START}?{browser.token}") == 200
    assert browser.ask("/api/status") == 200  # the cookie is enough now
    assert browser.ask(f"/api/contents/{lab.START}?content=0") == 200
    ports = [c.laddr for c in psutil.Process(process.pid).net_connections("tcp") if c.status == "LISTEN"]
    assert {at.ip for at in ports} == {"127.0.0.1"}
    assert urllib.parse.urlsplit(url).port in {at.port for at in ports}
    return browser


def test_the_printed_address_leads_to_the_start_notebook_on_this_machine_and_asks_for_no_news(running):
    url, process = running
    assert re.fullmatch(rf"http://127\.0\.0\.1:\d+/lab/tree/{lab.START}\?token=[0-9a-f]{{40,}}", url)
    browser = assert_it_serves_this_machine_behind_its_token(url, process)
    browser.ask("/lab")
    disabled = re.search(r'"disabledExtensions": \[([^]]*)\]', browser.page)[1]
    assert '"@jupyterlab/apputils-extension:announcements"' in disabled


def test_a_second_one_on_the_same_port_says_what_to_type(running, serve):
    port = urllib.parse.urlsplit(running[0]).port
    second = serve(port).process
    said, _ = second.communicate(timeout=60)
    assert second.returncode != 0
    refused = f"Port {port} cannot be used: Address already in use. Type instead:  make lab PORT="
    instead = int(said.partition(refused)[2])
    assert instead != port
    assert lab.choose_port(str(instead)) == instead


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


@pytest.mark.parametrize("text", [PASSWORD, ELSEWHERE, OPEN], ids=["password", "elsewhere", "open"])
def test_the_readers_configuration_neither_moves_nor_opens_the_server(text, serve, tmp_path):
    proxies = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    server = serve(**configured(tmp_path, text), **proxies, JUPYTER_TOKEN="")
    browser = assert_it_serves_this_machine_behind_its_token(server.url(), server.process)
    assert browser.ask("/api/status", origin="http://elsewhere.org") == 404
    assert browser.ask("/api/contents", type="file") == 403  # a form that another site sends
    if text == PASSWORD:  # which is good, too
        other = Client(browser.address + "/lab/?")
        assert other.ask("/login") == 200
        assert other.ask("/login", password="wrong", _xsrf=other.xsrf()) == 401
        assert other.ask("/login?next=/api/status", password="secret", _xsrf=other.xsrf()) == 200


def test_a_home_that_cannot_be_written_is_replaced(serve, tmp_path):
    (tmp_path / "file").touch()
    server = serve(HOME=str(tmp_path / "file" / "home"))
    assert Client(server.url()).ask("/api") == 200
    assert "The home folder cannot be written, so Jupyter keeps its settings in" in "".join(server.said)

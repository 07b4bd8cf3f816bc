"""A Jupyter server extension that sends every message of a kernel to the browser at once.

jupyter_server leaves Nagle's algorithm on: a small message waits until the browser has acknowledged the one
before it, and TCP puts acknowledgements off by about 40 ms. A slider whose kernel answers waits as long for
every picture. Installing the package enables the extension; the environment variable `LOSSLAB_NODELAY=0` or
`jupyter server extension disable losslab.book.nodelay` switches it off.
"""

import os

SETTING = "kernel_websocket_connection_class"  # the class of every connection of a browser to a kernel
FAILED = "losslab.book.nodelay: kernel messages stay as slow as they were (%r)"


def prompt(connection):
    """Return a subclass of a kernel's websocket connection that turns Nagle's algorithm off on opening."""

    class Prompt(connection):
        def connect(self):
            try:
                self.websocket_handler.set_nodelay(True)
            except Exception as error:  # an untested version of the server works on, only slower
                self.log.warning(FAILED, error)
            return super().connect()

    return Prompt


def _jupyter_server_extension_points():
    return [{"module": "losslab.book.nodelay"}]


def _load_jupyter_server_extension(serverapp):
    if os.environ.get("LOSSLAB_NODELAY") == "0":
        return
    try:
        settings = serverapp.web_app.settings
        settings[SETTING] = prompt(settings[SETTING])
    except Exception as error:
        serverapp.log.warning(FAILED, error)

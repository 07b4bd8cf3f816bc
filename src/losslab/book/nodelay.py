"""Send every message of a kernel to the browser at once, on the Jupyter servers that the book starts.

jupyter_server leaves Nagle's algorithm on: a small message waits until the browser has acknowledged the one
before it, and TCP delays acknowledgements by about 40 ms. A slider that the kernel answers waits that long
for every picture. ``make lab`` and Binder set ``ServerApp.kernel_websocket_connection_class`` to this class.
"""

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """The connection of a browser to a kernel, without Nagle's algorithm."""

    def connect(self):
        """Turn the algorithm off, then connect."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()

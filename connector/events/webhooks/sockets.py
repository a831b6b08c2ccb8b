"""WebSockets of a server with pages."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class WebSocket(WebSocketsSansIOProtocol):
    """uvicorn's protocol; it ignores what still arrives after a frame that broke the rules.

    uvicorn's own would raise, and log a traceback for each of them.
    """

    def data_received(self, data: bytes) -> None:
        """Read what arrived."""
        if self.conn.parser_exc is None and not self.transport.is_closing():
            super().data_received(data)

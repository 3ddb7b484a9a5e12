"""SlicerOpenIGTLink's connector as a source of frames, where that extension is there; see node_source.

if connector_available(application):
    session.stream.connect_source(connector_source(application, "localhost", 18944))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from ...errors import StreamError
from ...session.frame_source import server_identity
from ...tracking import StreamStatus
from ...tracking.openigtlink.port import checked_port
from ...values.defaults import DEFAULT_PORT
from ...words import tr
from ..application import Application
from .node_source import NodeSource

_CLASS = "vtkMRMLIGTLConnectorNode"


def connector_available(application: Application) -> bool:
    """True where SlicerOpenIGTLink has registered its connector nodes."""
    return bool(application.scene.IsNodeClassRegistered(_CLASS))


def connector_source(
    application: Application, host: str = "localhost", port: int = DEFAULT_PORT, image_node_name: str | None = None,
    transform_name: str | None = None, calibration: Mapping[str, ArrayLike] | None = None,
) -> ConnectorSource:  # fmt: skip
    """A source for session.stream.connect_source(); the names are those of node_source.NodeSource.

    Raises StreamError where SlicerOpenIGTLink is not installed.
    """
    if not connector_available(application):
        raise StreamError(
            tr(
                "SlicerOpenIGTLink is not there: install it with Slicer's Extensions Manager, or use the module's own "
                "client."
            )
        )
    return ConnectorSource(application.scene, host, port, image_node_name, transform_name, calibration)


class ConnectorSource(NodeSource):
    """A client connector to a server, and what it fills.

    One that the user has made for the same server is used and left as it was; else a new one is made, and is taken
    away again by stop().
    """

    def __init__(
        self, scene: Any, host: str, port: int, image_name: str | None = None, transform_name: str | None = None,
        calibration: Mapping[str, ArrayLike] | None = None,
    ):  # fmt: skip
        super().__init__(scene, image_name, transform_name, calibration)
        self.name, self.identity = f"{host}:{port} (SlicerOpenIGTLink)", server_identity(host, port)
        self._host, self._port = host, checked_port(port)
        self._connector: Any = None
        self._is_ours = False
        self._was_connected = False

    @property
    def status(self) -> StreamStatus:
        status = super().status
        connector = self._connector
        status.connected = connector is not None and connector.GetState() == connector.StateConnected
        if status.connected and not self._was_connected:
            status.connections += 1
        elif self._was_connected and not status.connected:
            status.closures += 1
        self._was_connected = status.connected
        status.connections = max(status.connections, status.closures)
        return status

    def start(self) -> None:
        self._connector = self._existing()
        self._is_ours = self._connector is None
        if self._is_ours:
            self._connector = self._scene.AddNewNodeByClass(_CLASS, "CRLM connector")
            self._connector.SetSaveWithScene(False)
            self._connector.SetTypeClient(self._host, self._port)
        self._connector.Start()
        super().start()

    def stop(self) -> None:
        super().stop()
        connector, self._connector = self._connector, None
        if connector is not None and self._is_ours:
            connector.Stop()
            self._scene.RemoveNode(connector)

    def _existing(self) -> Any:
        for number in range(self._scene.GetNumberOfNodesByClass(_CLASS)):
            node = self._scene.GetNthNodeByClass(number, _CLASS)
            is_client = node.GetType() == node.TypeClient
            if is_client and (node.GetServerHostname(), node.GetServerPort()) == (self._host, self._port):
                return node
        return None

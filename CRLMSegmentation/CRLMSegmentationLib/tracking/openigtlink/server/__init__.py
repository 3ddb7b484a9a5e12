"""An OpenIGTLink server for many clients."""

from .server import Server

__all__ = ["Server"]

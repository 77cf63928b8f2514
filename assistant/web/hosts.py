"""Which names this server answers to, and which pages may send it something.

A page elsewhere can make a browser call 127.0.0.1: under a name that was pointed at it
(DNS rebinding), which the Host header betrays, or across sites, which Origin and
Sec-Fetch-Site betray. Programs send neither of the last two and are let through.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine alone."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names a request may be addressed to."""

    names: frozenset[str] = LOOPBACK_NAMES
    any_address: bool = False  # an address as it is, which no name can be pointed at

    @staticmethod
    def of(bound: str, others: Iterable[str] = ()) -> Hosts:
        """The names of a server that listens on `bound` and is known as `others`, too."""
        wide = not is_loopback(bound)
        own = {bound.lower(), *(name.lower() for name in others)}
        if wide:
            own.add(socket.gethostname().lower())
        return Hosts(LOOPBACK_NAMES | own, any_address=wide)

    def allow(self, host_header: str) -> bool:
        """Whether a Host header names this server."""
        name = _name(host_header)
        if name is None:
            return False
        return name in self.names or (self.any_address and _is_address(name))

    def allow_origin(self, origin: str, host_header: str) -> bool:
        """Whether the page of an Origin header is this server's own."""
        scheme, _, netloc = origin.partition("://")
        if scheme not in ("http", "https") or not netloc:
            return False  # "null", for one: a sandboxed page
        if netloc.lower() == host_header.lower():
            return True
        # Behind a proxy the Host header may be another of our names, never a loopback one.
        return _name(netloc) in self.names - LOOPBACK_NAMES


def _name(host_header: str) -> str | None:
    """The name in `name:port`; None where it is none."""
    if any(character in host_header for character in "/@?#\\ "):
        return None
    try:
        parts = urlsplit(f"//{host_header}")
        _ = parts.port  # raises ValueError where it is no number
    except ValueError:
        return None
    return parts.hostname.rstrip(".") if parts.hostname else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

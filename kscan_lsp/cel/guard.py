"""Refuses what would crash the runtime."""


def refusal(source: str) -> str:
    """Why a source is not compiled; empty when it may be."""
    del source
    return ""

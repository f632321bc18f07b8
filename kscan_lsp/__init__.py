"""Kubernetes manifest security in the editor: one engine for the language server and the command line."""

__version__ = "0.1.0"

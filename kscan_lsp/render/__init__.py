"""Helm charts -> what their templates render to, each character with the place in the template that it comes from.

What overlays of Kustomize build is in `kustomize/`.

A chart is `{path: bytes}` in memory (`chart.py` reads a folder), so that text that is not saved renders, too. It
is rendered twice: as it is, and with invisible marks in its templates (`marks.py`). Where the second rendering without
its marks is the first, the marks tell where each line was written; where it is not, the marks at fault are taken out,
and it is tried again (`rendering.py`). So a place is proven, or said to be unknown; it is never a guess.

Charts are programs, and Go's templates cannot be stopped from outside: what renders runs in a process of its own, with
limits of time and memory (`makers.py`), and is ended when it takes too long. Nothing here reaches the network:
dependencies that are not there are not fetched.
"""

"""Kustomizations -> what they build, each field with the place in a base, patch or generator that it comes from.

An overlay is all that its kustomization leads to, in memory (`overlay.py`): texts that are not saved build, too, and
nothing is run before it is known that no name leads to the network or out of the workspace. What is run is `kustomize`
or `kubectl kustomize` of the machine, on a copy (`maker.py`). Building by code of our own was left out: strategic merge
patches alone rest on the schemas of all kinds, and an overlay that is built a little differently is judged wrongly
without anybody seeing it.

It is built twice, as it is and with marks in its values (`marking.py`). What has the same values once the marks are
taken out tells by its marks what was merged and set from where (`building.py`). So changing a value where it stands was
seen to change what is built. Annotations of Kustomize about origins are not asked for: they name a file, and no field.
"""

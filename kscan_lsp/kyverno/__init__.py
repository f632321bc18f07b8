"""Kyverno's policies in a workspace: what Kyverno would say of a manifest, said before it gets there.

Pure functions over frozen data. A policy is read from the object that declares it (`reading.py`), with the rules that
Kyverno makes for pod controllers (`autogen.py`); which policies are about an object is asked of the index
(`asking.py`), and their rules are judged on the object as it stands in its file (`judging.py`, `rules.py`).

A rule is judged as in a background scan: as if the object was being created by somebody who is not known. What a file
cannot answer - who asks, another cluster object, an image's manifest, an HTTP call - leaves a rule unevaluated, and
only where it decides. Nothing of a policy runs code or reaches the network, and every loop has a budget.

May import the rooms before it, above all `admission`, which evaluates the rules that are written in CEL. Only
`expressions.py`, `tracing.py` and `functions.py` know the JMESPath library.

Source of what all of it means: pkg/engine, pkg/autogen and api/kyverno of kyverno/kyverno 1.16, and its fork of
go-jmespath.
"""

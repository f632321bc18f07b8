"""Control, framework and settings files made one: a Ruleset, which is pure data.

The shape of a control file (`schema.py`), its checks compiled (`compile_check.py`), files loaded into a PolicySet
(`load.py`, remembered by their text in `memo.py`), and which of its controls are on, how severe they are and what
they read (`ruleset.py`). What their expressions may name is in `environment.py`.

Imports `cel` and what is below it; knows no manifest, touches no file. Whatever can be known to be wrong about a
control is a problem at its place here, so that evaluating one later needs no checks. A broken file costs its control
and no other.
"""

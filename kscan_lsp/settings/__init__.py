"""Files that people write for kscan: validated at a place, and the settings among them.

Text that must fit a model (`shape.py`), with every error at its line and column and the nearest name that would be
right (`validation.py`, `suggest.py`), and the model of `.kscan.yaml` with what an editor or a command line lays over it
(`model.py`).

Imports the vocabulary and `yaml`. A wrong key costs that key and no other: a typo never switches everything off.
Which controls, frameworks and inputs there are is not known here (`policy/ruleset.py` says).
"""

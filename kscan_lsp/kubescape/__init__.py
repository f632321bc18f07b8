"""Controls that were written for Kubescape: a folder in the layout of its control library, read as it is.

A control names rules, a rule is Rego with a file that says which objects it is about (`reading.py`, `rules.py`). Rego
is evaluated by a process of `workspace/`; what a rule is asked with (`asking.py`, `aggregates.py`), and what its alerts
mean for an object (`judging.py`, `places.py`) is here: pure functions over frozen data.

Source of what all of it means: README.md of kubescape/regolibrary, core/pkg/opaprocessor of kubescape/kubescape, and
reporthandling of kubescape/opa-utils.
"""

"""Gatekeeper's constraints in a workspace: what Gatekeeper would say of a manifest, said before it gets there.

Pure functions over frozen data. A template and a constraint are read from the objects that declare them (`reading.py`,
`parameters.py`); which constraints are about an object is asked of the index (`asking.py`) and of their `match`
(`matching.py`). What a template says in CEL is evaluated by `admission`, as if the object was being created.

Source of what all of it means: pkg/mutation/match, pkg/drivers/k8scel and pkg/target of open-policy-agent/gatekeeper
3.20, and constraint/pkg of open-policy-agent/frameworks.
"""

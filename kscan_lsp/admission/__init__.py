"""Admission policies of Kubernetes: what the API server would say of a manifest, said before it gets there.

Pure functions over frozen data. A policy is read from the object that declares it (`reading.py`) and checked by itself
(`problems.py`); which policies are about an object, by which bindings and params, is asked of the index (`asking.py`),
and their expressions are evaluated on the object as the API server would see it (`judging.py`). Policies that change
objects are read and asked the same way; what they make of one, and where what it has then comes from, is said by
`mutating.py` and `tracing.py`.

An evaluation is that of a CREATE by somebody who is not known: `oldObject` is null. Where somebody says what an object
was before (`asking.as_it_was`), it is that of an UPDATE. What a file cannot answer is left
unbound, so that an expression which needs it is unevaluated, and one that decides without it is not.

Source of what all of it means: staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/validating and
k8s.io/api/admissionregistration/v1, v1.34.
"""

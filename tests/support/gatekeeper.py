"""Gatekeeper's templates and constraints as texts."""

from __future__ import annotations

import json
from typing import Any

KIND = "K8sTest"


def template(
    *validations: dict[str, Any] | str,
    kind: str = KIND,
    schema: dict[str, Any] | None = None,
    code: list[dict[str, Any]] | None = None,
    version: str = "v1",
    **source: Any,
) -> str:
    """The text of a template in CEL, or with other code."""
    listed = [{"expression": one} if isinstance(one, str) else one for one in validations]
    own = [{"engine": "K8sNativeValidation", "source": {"validations": listed, **source}}]
    crd: dict[str, Any] = {"names": {"kind": kind}}
    if schema is not None:
        crd["validation"] = {"openAPIV3Schema": schema}
    return json.dumps(
        {
            "apiVersion": f"templates.gatekeeper.sh/{version}",
            "kind": "ConstraintTemplate",
            "metadata": {"name": kind.lower()},
            "spec": {
                "crd": {"spec": crd},
                "targets": [{"target": "admission.k8s.gatekeeper.sh", "code": own if code is None else code}],
            },
        }
    )


def constraint(
    parameters: Any = None, *, kind: str = KIND, name: str = "c", match: Any = None, **spec: Any
) -> str:
    """The text of a constraint, about everything where `match` does not say."""
    given = {} if parameters is None else {"parameters": parameters}
    return json.dumps(
        {
            "apiVersion": "constraints.gatekeeper.sh/v1beta1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": {**({} if match is None else {"match": match}), **given, **spec},
        }
    )

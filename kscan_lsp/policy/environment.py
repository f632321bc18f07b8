"""What the expressions of controls may name."""

from __future__ import annotations

from typing import Final

from kscan_lsp import cel

CONTROLS: Final = cel.Environment(
    {
        "object": cel.Kind.ANY,
        "objectName": cel.Kind.ANY,
        "podTemplate": cel.Kind.ANY,
        "pod": cel.Kind.ANY,
        "container": cel.Kind.ANY,
        "role": cel.Kind.ANY,
        "effective": cel.Kind.ANY,
        "item": cel.Kind.ANY,
        "index": cel.Kind.ANY,
        "key": cel.Kind.ANY,
        "inputs": cel.Kind.TEXT_LISTS,
        "choice": cel.Kind.ANY,
        "relations": cel.Kind.LISTS,
        "kubernetesMinor": cel.Kind.INT,
        "unneeded": cel.Kind.ANY,
        "evidence": cel.Kind.MAP,
        "path": cel.Kind.TEXT,
    },
    hidden=("path",),
)
"""`objectName` is what an object is called in texts, `(no name)` where it has no name; `inputs` maps names to lists of
text; `role` says which list a container is in, `choice` is the value chosen for a fix, `relations` maps names to lists
of other objects, `kubernetesMinor` is the Kubernetes version that manifests are for (33 for 1.33), `unneeded` lists the
fields that containers of a kind do without, `evidence` maps kinds of evidence to what is known,
`path` is where the manifest is in its repository; the others are whatever
the manifest has."""

"""`signatures`: by whom packs of policies have to be signed, in the words of `cosign verify-blob`.

Left out on purpose: which settings speak for which packs (`workspace/signatures.py`), and how a signature is verified
(`cli/signatures.py`).
"""

from __future__ import annotations

from typing import Annotated, Final

from kscan_lsp.settings.exceptions import Some
from kscan_lsp.settings.sections import SettingsPart
from kscan_lsp.settings.shape import Value

SIGNATURE_NAME: Final = "kscan-pack.sigstore.json"
"""The Sigstore bundle beside a pack's own file: no part of what it signs."""
NO_PARTS: Final = frozenset({".git", "__pycache__"})
"""Folders that belong to no pack: what git keeps, and what Python makes of modules, another one on each machine."""


class SignatureSettings(SettingsPart):
    """Who has to have signed some packs."""

    packs: Annotated[
        Some,
        Value(
            description="What 'extends' calls the packs that this is about; * and ? stand for anything, as in "
            "oci://registry.bank.example/*. The first entry that names a pack decides."
        ),
    ] = ("*",)
    certificate_identity: Annotated[
        Some,
        Value(
            description="Who has to have signed them, as the certificate says: the URL of a workflow with its ref, or "
            "an address of mail; any one of these. * and ? stand for anything, as in .../release.yml@refs/tags/*."
        ),
    ]
    certificate_oidc_issuer: Annotated[
        str,
        Value(
            shortest=1,
            longest=500,
            description="Who vouched for that identity, such as https://token.actions.githubusercontent.com.",
        ),
    ]
    trusted_root: Annotated[
        str,
        Value(
            description="A trusted_root.json of Sigstore, relative to these settings, for an instance of one's own or "
            "a machine without internet; without it, the public instance is asked."
        ),
    ] = ""

"""Verifying who signed a pack, with Sigstore's library (the extra `kscan-lsp[sigstore]`).

Only `kscan pack update` comes here, and only for a pack that settings want signed: the library takes most of a second
to import, and may fetch the trust root of the public instance (TUF), which it keeps in the user's folder. It does all
of the verifying: the certificate against the trust root and at the time of signing, its entry in the certificate log,
the entry of the signature in the transparency log, and the signature itself. Here is what is asked of the certificate,
and words for what goes wrong.

With `trustedRoot` nothing is fetched. Where the trust root of the public instance cannot be fetched, nothing is
verified: what the library has kept, or came with, may be from before a key was taken back.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sigstore.errors import Error, TUFError, VerificationError
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity, OIDCIssuer, OIDCIssuerV2

from kscan_lsp.cli.options import UsageError
from kscan_lsp.dispositions.names import of_globs
from kscan_lsp.files import encoding
from kscan_lsp.files.named import is_within, workspace_of
from kscan_lsp.settings.signatures import SIGNATURE_NAME
from kscan_lsp.workspace.pack_locks import Signature
from kscan_lsp.workspace.policies import MAX_FILE
from kscan_lsp.workspace.signatures import read_bundle

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kscan_lsp.workspace.pack_locks import Locked
    from kscan_lsp.workspace.signatures import Demand

_SAID: Final = 300
"""Characters of what the library says that are shown."""


def signature_of(source: str, place: Path, locked: Locked, demands: Iterable[Demand]) -> Signature:
    """Who signed a pack, verified as each of some settings asks.

    Args:
        source: what settings call it.
        place: its folder.
        locked: what it is.
        demands: what is asked, by one at least.

    Raises:
        UsageError: it is not signed, or not by who has to have done so, or there is no trust root to verify it by.
    """
    bundle = read_bundle(place, locked)
    found = [(one, bundle if isinstance(bundle, str) else _verified(bundle, locked, one)) for one in demands]
    for demand, signature in found:
        if isinstance(signature, str):
            raise UsageError(f"'{source}' has to be signed by {demand}: {signature}")
    return next(one for _, one in found if isinstance(one, Signature))


def _verified(raw: bytes, locked: Locked, demand: Demand) -> Signature | str:
    """Who signed a pack, or why that is nobody whom a demand names."""
    verifier, signer = _verifier(demand), _Signer(demand)
    try:
        verifier.verify_artifact(locked.statement, Bundle.from_json(raw), signer)
    except Exception as error:  # noqa: BLE001 - several libraries look at what a stranger wrote, each with its own errors
        if signer.refusal:
            return f"somebody else signed it: {signer.refusal}"
        return f"{SIGNATURE_NAME} does not hold: {_said(error)}"
    return Signature(signer.identity, demand.by.certificate_oidc_issuer, locked.statement_digest)


class _Signer:
    """What a demand asks of a certificate, as a policy of the library: an identity, and who vouches for it."""

    def __init__(self, demand: Demand) -> None:
        self._issuer, self._identities = demand.by.certificate_oidc_issuer, demand.by.certificate_identity
        self.identity = ""
        """Who signed, once that is one who may."""
        self.refusal = ""
        """What the certificate has in place of it."""

    def verify(self, cert: Any) -> None:
        """Raise VerificationError unless the certificate is that of one who may have signed."""
        may = of_globs(self._identities)
        # the library has the last word on which of a certificate's names are identities
        for identity in [one for one in _names_in(cert) if may.has(one)] or self._identities[:1]:
            self.refusal = _refusal(cert, identity, self._issuer)
            if not self.refusal:
                self.identity = identity
                return
        raise VerificationError(self.refusal)


def _names_in(certificate: Any) -> list[str]:
    """The alternative names of the subject of a certificate (RFC 5280, 4.2.1.6), as far as they are texts."""
    named = (one.value for one in certificate.extensions if one.oid.dotted_string == "2.5.29.17")
    return [name.value for names in named for name in names if isinstance(name.value, str)]


def _refusal(certificate: Any, identity: str, issuer: str) -> str:
    """Why a certificate is not that of an identity; empty where it is."""
    try:
        Identity(identity=identity).verify(certificate)
        try:
            OIDCIssuerV2(issuer).verify(certificate)
        except VerificationError:
            OIDCIssuer(issuer).verify(certificate)  # which certificates of before Fulcio 1.0 have alone
    except VerificationError as error:
        return _said(error)
    return ""


def _verifier(demand: Demand) -> Verifier:
    """What verifies by the trust root that a demand names, or by that of the public instance.

    Raises:
        UsageError: there is no trust root.
    """
    if not demand.by.trusted_root:
        try:
            return Verifier.production()
        except (TUFError, OSError) as error:
            why = f"{_said(error)} ({_said(error.__cause__)})" if error.__cause__ else _said(error)
            raise UsageError(
                f"the trust root of Sigstore cannot be fetched: {why}; where there is no way to it, let 'trustedRoot' "
                "name a trusted_root.json"
            ) from error
    folder = Path(demand.file).parent
    path = folder / demand.by.trusted_root
    named = f"'trustedRoot' in '{demand.file}' names '{demand.by.trusted_root}'"
    if not is_within(path, workspace_of(folder)):
        raise UsageError(f"{named}, which is outside of this workspace; put a copy beside these settings")
    raw = encoding.read_bytes(path, MAX_FILE)
    if isinstance(raw, encoding.Unreadable):
        raise UsageError(f"{named}: {raw.reason}")
    try:
        return Verifier(trusted_root=TrustedRoot.from_file(str(path)))
    except (Error, ValueError) as error:
        raise UsageError(f"{named}, which is no trusted root of Sigstore: {_said(error)}") from error


def _said(error: BaseException) -> str:
    """What the library says, on one line."""
    return " ".join(str(error).split())[:_SAID] or type(error).__name__

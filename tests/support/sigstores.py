"""A Sigstore of a test's own: an authority for certificates, both logs, and bundles as `cosign sign-blob` writes them.

What stands in certificates, entries and checkpoints is that of https://docs.sigstore.dev/certificate_authority/overview,
RFC 6962 and https://github.com/transparency-dev/formats/blob/main/log/README.md. Its clock stands still.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.signed import BANK, GITHUB

WHEN = datetime(2025, 6, 1, tzinfo=UTC)
_ALWAYS = {"start": "2025-01-01T00:00:00Z"}
_SCTS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_ISSUERS = tuple(map(x509.ObjectIdentifier, ("1.3.6.1.4.1.57264.1.1", "1.3.6.1.4.1.57264.1.8")))


class Sigstore:
    """Its keys, of which all are made anew."""

    def __init__(self) -> None:
        self._authority, self._certificates, self._log = (
            ec.generate_private_key(ec.SECP256R1()) for _ in range(3)
        )
        said = ((x509.NameOID.ORGANIZATION_NAME, "bank"), (x509.NameOID.COMMON_NAME, "authority"))
        name = x509.Name([x509.NameAttribute(*one) for one in said])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self._root = (
            _certificate(name, name, self._authority.public_key(), timedelta(days=3_650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._authority, SHA256())
        )

    def trusted_root(self) -> str:
        """What a `trusted_root.json` has."""
        logs = [
            {
                "baseUrl": f"https://{name}.example",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": _base64(_spki(key)),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": _ALWAYS,
                },
                "logId": {"keyId": _base64(_sha256(_spki(key)))},
            }
            for name, key in (("log", self._log), ("certificates", self._certificates))
        ]
        authority = {
            "subject": {"organization": "bank", "commonName": "authority"},
            "uri": "https://authority.example",
            "certChain": {"certificates": [{"rawBytes": _base64(self._root.public_bytes(Encoding.DER))}]},
            "validFor": _ALWAYS,
        }
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": logs[:1],
                "certificateAuthorities": [authority],
                "ctlogs": logs[1:],
            }
        )

    def sign(self, data: bytes, identity: str = BANK, issuer: str = GITHUB) -> str:
        """The bundle of a file that somebody signed."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._issued(key.public_key(), identity, issuer)
        signature = key.sign(data, ec.ECDSA(SHA256()))
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
                "verificationMaterial": {
                    "certificate": {"rawBytes": _base64(certificate.public_bytes(Encoding.DER))},
                    "tlogEntries": [self._logged(_body(data, signature, certificate))],
                },
                "messageSignature": {
                    "messageDigest": {"algorithm": "SHA2_256", "digest": _base64(_sha256(data))},
                    "signature": _base64(signature),
                },
            }
        )

    def _issued(self, key: ec.EllipticCurvePublicKey, identity: str, issuer: str) -> x509.Certificate:
        """A certificate that the log of certificates has."""
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._authority.public_key())
        written = issuer.encode()
        named = zip(_ISSUERS, (written, b"\x0c" + bytes([len(written)]) + written), strict=True)
        identified = x509.UniformResourceIdentifier if "://" in identity else x509.RFC822Name
        before = (
            _certificate(x509.Name([]), self._root.subject, key, timedelta(minutes=10))
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(authority, critical=False)
            .add_extension(x509.SubjectAlternativeName([identified(identity)]), critical=True)
        )
        for oid, value in named:
            before = before.add_extension(x509.UnrecognizedExtension(oid, value), critical=False)
        body = before.sign(self._authority, SHA256()).tbs_certificate_bytes
        moment = int(WHEN.timestamp() * 1_000)
        entry = struct.pack(">BBQH", 0, 0, moment, 1) + _sha256(_spki(self._authority))
        entry += len(body).to_bytes(3, "big") + body + b"\0\0"
        signature = self._certificates.sign(entry, ec.ECDSA(SHA256()))
        stamp = b"\0" + _sha256(_spki(self._certificates)) + struct.pack(">QHBB", moment, 0, 4, 3)
        listed = _sized(_sized(stamp + _sized(signature)))
        octets = b"\x04" + (b"\x81" if len(listed) > 127 else b"") + bytes([len(listed)]) + listed
        return before.add_extension(x509.UnrecognizedExtension(_SCTS, octets), critical=False).sign(
            self._authority, SHA256()
        )

    def _logged(self, body: bytes) -> dict[str, object]:
        """The entry of a signature in the log, of which it is the second."""
        log, moment = _sha256(_spki(self._log)), int(WHEN.timestamp())
        promised = {"body": _base64(body), "integratedTime": moment, "logID": log.hex(), "logIndex": 1}
        first = _sha256(b"\0")
        root = _sha256(b"\1" + first + _sha256(b"\0" + body))
        note = f"log.example - 1\n2\n{_base64(root)}\n"
        signed = _base64(log[:4] + self._log.sign(note.encode(), ec.ECDSA(SHA256())))
        return {
            "logIndex": "1",
            "logId": {"keyId": _base64(log)},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.1"},
            "integratedTime": str(moment),
            "inclusionPromise": {
                "signedEntryTimestamp": _base64(self._log.sign(_canonical(promised), ec.ECDSA(SHA256())))
            },
            "inclusionProof": {
                "logIndex": "1",
                "rootHash": _base64(root),
                "treeSize": "2",
                "hashes": [_base64(first)],
                "checkpoint": {"envelope": f"{note}\n\u2014 log.example {signed}\n"},
            },
            "canonicalizedBody": _base64(body),
        }


def _body(data: bytes, signature: bytes, certificate: x509.Certificate) -> bytes:
    """What the log has of a signature (a `hashedrekord` of version 0.0.1)."""
    return _canonical(
        {
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": {"hash": {"algorithm": "sha256", "value": _sha256(data).hex()}},
                "signature": {
                    "content": _base64(signature),
                    "publicKey": {"content": _base64(certificate.public_bytes(Encoding.PEM))},
                },
            },
        }
    )


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, valid: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(WHEN)
        .not_valid_after(WHEN + valid)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _canonical(data: object) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()

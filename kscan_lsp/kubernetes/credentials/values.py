"""What a value says of itself: that it cannot be a credential, that it stands for one, or that it looks like one.

Numbers, durations, paths, addresses without a password and public keys are no credentials, whatever they are called;
`${X}`, `ENC[...]` and `vault:...` stand for one that is elsewhere. What is left counts as a name claims (`names.py`):
under a strong name anything, under a fair one what is no plain word, under a weak one what looks random. That last
question is the only one that entropy decides.

The patterns are RE2's, over the whole of one short value; nothing here searches long texts.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

from msgspec.structs import replace

from kscan_lsp.kubernetes.credentials.names import Claim, Meaning, split
from kscan_lsp.kubernetes.credentials.searches import either, lazy
from kscan_lsp.kubernetes.credentials.vocabulary import NAMED, OF_OBJECTS

MAX_VALUE: Final = 4_000
"""Characters of one credential: private keys and tokens of providers, which may be longer, are known otherwise."""

_STANDS_FOR: Final = either(
    r"(?s).*\$\([^()]+\).*|`.*`",  # another variable of the container, or what a command prints
    r"(?s).*\$\{\{.*",
    r"(?s).*\{\{.*\}\}.*",
    r"(?s).*\{%.*%\}.*",
    r"(?s)<%.*%>",
    r"(?s).*\$\{[^{}]*\}.*",
    r"(?:\$\$?\{?[A-Za-z_][A-Za-z0-9_]*\}?[:@/,.-]?)+|\$[0-9@*#?]",
    r"\$?%\{?[A-Za-z_][A-Za-z0-9_.-]*\}?%?",
    r"<{1,2}[^<>]*>{1,2}",
    r"\[\[?[^\[\]]*\]\]?",
    r"\{[^{}:\"]*\}",
    r"@{1,2}[A-Za-z_][A-Za-z0-9_.-]*@{1,2}|__[A-Za-z][A-Za-z0-9_]*__|#\{[^{}]*\}#?|~[A-Z_]+~",
    r"(?s)ENC\[.*\]|ENC\(.*\)|DEC\(.*\)|\{cipher\}.*|\{[A-Za-z0-9+/=]{40,}\}",  # sops, Jasypt, Spring, Maven
    r"(?s)\$ANSIBLE_VAULT;.*|-----BEGIN (?:PGP MESSAGE|AGE ENCRYPTED FILE)-----.*|vault:v[0-9]+:.*",
    r"(?:AgB|AQICAH)[A-Za-z0-9+/=]{60,}",  # SealedSecrets, AWS KMS
    r"(?i)(?:ref\+[a-z0-9]+|op|bao|vault|vaultsecret|secrets?|secretref|keyring|awssm|awsps|gcpsm|gsm|sm|akv"
    r"|azurekeyvault|keyvault|kv|ssm|doppler|infisical|conjur|cyberark|1password|bws|sops|env|file|k8s|kubernetes)"
    r"(?:\+[a-z]+)?:.*",
    r"(?i)(?:gcp|aws|azure|google|hashicorp)[:+-][a-z-]+:.*",
    r"arn:[a-z-]+:.*|projects/[^/]+/secrets/.*|@Microsoft\.KeyVault\(.*\)|!vault.*|!(?:Ref|Sub|GetAtt)\b.*",
    r"(?i)(?:todo|tbd|fixme|placeholder|redacted|removed|masked|hidden|omitted)\W*",
    r"(?i)(?:put|insert|enter|add|set|use|replace|fill|provide|paste|specify)"
    r"(?:[-_ ]+(?:me|this|it|in|your|here|with|a|the|real|actual|own))+(?:[-_ ].*)?",
    r"(?i)your[-_ ].*",
)  # fmt: skip
"""What stands for a value that is elsewhere, or is to be put in."""
_PROVIDED: Final = lazy(r"\$\{[a-z0-9]{2,20}:[^{}]*[/:][^{}]*\}")  # Kafka, OpenTelemetry
_DEFAULTED: Final = lazy(r"\$\{[^{}:]*:-?([^{}?+][^{}]*)\}")

_NUMBER: Final = lazy(r"[-+]?[0-9][0-9_]*(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?")
_UNIT: Final = (
    r"(?:ns|us|µs|ms|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|months?|y|years?)"
)
_PUBLIC: Final = (
    r"(?s)(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-\S+|sk-(?:ssh|ecdsa)-\S+) .*|age1[a-z0-9]{50,}",
    r"(?s)\s*-----BEGIN (?:[A-Z0-9]+ )*(?:PUBLIC KEY|CERTIFICATE)(?: REQUEST| BLOCK)?-----.*",
    r"MII[BC]Ij?ANBgkqhkiG9w0BAQE\S*|MFkwEwYHKoZIzj0\S*|MCowBQYDK2Vw\S*",
    r"LS0tLS1CRUdJTiB(?:Q0VSVElG|UFVCTElD)\S*",
)
"""Certificates and public keys: as OpenSSH and PEM write them, and the base64 that these begin with."""
_TRUTH: Final = r"(?i)true|false|yes|no|on|off|y|n|enabled?|disabled?|none|null|nil|undefined"
_ADDRESS: Final = r"(?i)[a-z][a-z0-9+.-]{1,20}://\S*|jdbc:\S+|(?:urn|mailto|data):\S*"
_HOST: Final = (
    r"(?:[a-z0-9-]+\.){2,}[a-z]{2,}(?::[0-9]+)?|[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*:[0-9]{2,5}|localhost"
)

_SOMETHING_ELSE: Final = either(
    _TRUTH,
    r"(?i)t|f|unset|n/?a|auto|automatic|never|always|required|optional|ifnotpresent|allow|deny|omit|include"
    r"|same-origin|strict|lax",
    rf"(?i)(?:[0-9]+(?:\.[0-9]+)? ?{_UNIT}[ ,]?)+",
    r"(?i)P(?:T?[0-9.]+[YMWDHS])+(?:T(?:[0-9.]+[HMS])+)?",
    r"(?i)[0-9]+(?:\.[0-9]+)? ?(?:[kmgtpe]i?b?|b|bytes?|bits?|%|rps|qps|rpm)(?:/s)?",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]+(?:Z|[-+][0-9:]+)?)?",
    r"[-+]?[0-9.]+(?:[, ]+[-+]?[0-9.]+)*",
    r"v?[0-9]+(?:\.[0-9]+)+(?:-[a-z0-9.]+)?(?:/[0-9]+|:[0-9]+)?",
    _ADDRESS,
    r"(?:\.{1,2}|~)(?:/\S*)?|[A-Za-z]:\\.*|\\\\\S+",
    r"(?i)[\w./-]*\.(?:pem|key|crt|cer|cert|der|csr|pub|json|ya?ml|toml|ini|txt|jks|p12|pfx|keystore|conf|cfg"
    r"|properties|env|xml|sock|db|gpg|asc|kubeconfig)",
    r"(?:[a-z0-9_-][a-z0-9._-]*/)+[a-z0-9_-][a-z0-9._-]*/?",
    *_PUBLIC,
)  # fmt: skip
_IS_PUBLIC: Final = either(*_PUBLIC)
_IS_PLAIN: Final = either(_TRUTH, _ADDRESS)
_IS_HOST: Final = either(_HOST)
_PATH: Final = lazy(r"/(?:[^\s/:]+/)*[^\s/:]*(?::[^\s:]*)*")
_SCHEME: Final = either(
    r"(?i)(?:rs|hs|es|ps)(?:256|384|512)|eddsa|ed25519|ecdsa|x25519|rsa(?:[-_]?(?:oaep|pss|pkcs1))*(?:[-_]?[0-9]+)?"
    r"|aes(?:[-_]?(?:128|192|256))?(?:[-_]?(?:gcm|cbc|ctr|siv))?|(?:hmac[-_]?)?sha-?[0-9]{1,3}(?:[-_/]?[0-9]{3})?"
    r"|md5|bcrypt|scrypt|argon2(?:id?|d)?|pbkdf2|crc32|pem|der|jwks?|jwt|jws|jwe|bearer|basic|digest|oauth-?2?|oidc|openid|saml2?|ldap"
    r"|hex|base-?64(?:url)?|utf-?8|plain|opaque|uuid(?:v?[0-9])?|random|string|text|file|env|vault|aws|gcp|azure"
    r"|kubernetes|k8s"
    r"|cookie|header|query|body|form|token|secret|password|key|apikey|api[-_]key|client_secret_(?:basic|post|jwt)|service"
    r"|rotate|generate|generated|internal|external|public|private|shared"
)  # fmt: skip
"""Words for kinds of credentials, and for where they are: none is a credential, though a password may be anything."""
_VARIABLE: Final = lazy(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_HEADER: Final = lazy(r"(?i)x-[a-z0-9-]+|(?-i:[A-Z][a-z]+(?:-[A-Z][A-Za-z]+)+)|authorization")
_OBJECT: Final = lazy(r"[a-z0-9]+(?:[-.][a-z0-9]+)+(?:/[a-z0-9-]+)?")
_BETWEEN_WORDS: Final = " ._,:;/@=|*-\t\n"


def stands_for_another(value: str) -> bool:
    """Whether a value is a variable, a placeholder, encrypted, or says where to find what it stands for."""
    return _STANDS_FOR().fullmatch(value) is not None


def is_something_else(value: str) -> bool:
    """Whether a value is of a kind that no credential is of: a duration, size, date, URL, path, public key ..."""
    if not any(map(str.isalnum, value)) or _SOMETHING_ELSE().fullmatch(value) is not None:
        return True
    return value.startswith("/") and _PATH().fullmatch(value) is not None and not _is_base64(value)


def is_public(value: str) -> bool:
    """Whether a value is a certificate or a public key."""
    return _IS_PUBLIC().fullmatch(value) is not None


def is_plain(value: str) -> bool:
    """Whether a value is a truth value or an address, of which no password was found."""
    return _IS_PLAIN().fullmatch(value) is not None


def is_amount_or_host(value: str) -> bool:
    """Whether a value is a number or the name of a host."""
    return value.isdigit() or _IS_HOST().fullmatch(value) is not None


def counts(value: str, meaning: Meaning) -> bool:
    """Whether a value is a credential under a name with this meaning.

    Args:
        value: of one line, without the quotes around it.
        meaning: of the name; nothing is a credential under one that claims nothing.
    """
    if not meaning.claim or not value or len(value) > MAX_VALUE:
        return False
    if value.startswith("${"):
        if _PROVIDED().fullmatch(value) is not None:
            return False
        if (default := _DEFAULTED().fullmatch(value)) is not None:
            # what holds when nobody sets the variable: a password as any, but words are mostly examples
            value = default.group(1)
            meaning = replace(meaning, claim=min(meaning.claim, Claim.FAIR))
    if not value:
        return False
    if (value[0].isdigit() or value[0] in "+-") and _NUMBER().fullmatch(value) is not None:
        return _is_secret_number(value, meaning)
    if stands_for_another(value) or is_something_else(value) or _is_name(value, meaning):
        return False
    if meaning.claim is Claim.STRONG:
        return True
    if meaning.claim is Claim.FAIR:
        return _is_no_word(value) or (
            meaning.kind == "credential" and ":" in value.strip(":") and " " not in value
        )
    return looks_random(value)


def _is_secret_number(value: str, meaning: Meaning) -> bool:
    """Numbers are amounts; but 123456 is a common password, and no amount is called one."""
    return (
        meaning.claim is Claim.STRONG
        and value.isdigit()
        and len(value) >= (4 if meaning.kind in {"password", "own"} else 5)
    )


def _is_name(value: str, meaning: Meaning) -> bool:
    """Whether a value names a variable, a header, a host, a kind of credential or an object that has one."""
    words = split(value) if len(value) < 100 else []
    if _VARIABLE().fullmatch(value) is not None:
        return not NAMED.isdisjoint(words)
    if " " in value:
        # "Enter your password": a label, not a passphrase
        parts = value.lower().split()
        return len(parts) > 1 and not NAMED.isdisjoint(parts) and all(map(str.isalpha, parts))
    if meaning.kind in {"password", "own"}:
        return False
    if any(pattern().fullmatch(value) is not None for pattern in (_SCHEME, _HEADER)):
        return True
    if meaning.kind != "credential" and _IS_HOST().fullmatch(value) is not None:
        return True
    return (
        not meaning.explicit
        and meaning.kind in {"secret", "credential", "key"}
        and _OBJECT().fullmatch(value) is not None
        and not OF_OBJECTS.isdisjoint(words)
    )


def _is_no_word(value: str) -> bool:
    """Whether a value is more than words: it has letters and digits mixed, or signs that names do not have."""
    if len(value) < 5 or " " in value:
        return False
    return not _is_words(value) or looks_random(value) or _has_mixed_end(value)


def _is_words(value: str) -> bool:
    words = value[:-1] if value[-1].isdigit() else value
    return all(letter.isalpha() or letter in _BETWEEN_WORDS for letter in words)


def _has_mixed_end(value: str) -> bool:
    """`hunter2`: a word and a digit, which is a password more often than a version from six letters on."""
    return value[-1].isdigit() and value[:-1].isalpha() and len(value) > 6


def _is_base64(path: str) -> bool:
    """Whether what begins with a slash is a key: long, mixed, and without what paths have."""
    mixed = all(any(map(kind, path)) for kind in (str.isupper, str.islower, str.isdigit))
    return mixed and len(path) >= 30 and path.count("/") < 4 and not set(".-_") & set(path)


def looks_random(value: str) -> bool:
    """Whether a value is long and irregular enough to be made by a machine, and not by a person."""
    if len(value) < 16 or not value.isascii() or " " in value:
        return False
    letters = sum(map(str.isalpha, value))
    digits = sum(map(str.isdigit, value))
    signs = len(value) - letters - digits
    if not digits or not letters or signs * 6 > len(value) or digits * 20 < len(value):
        return False
    return entropy(value) >= (2.8 if letters + digits == len(value) and value.lower() == value else 3.2)


def entropy(value: str) -> float:
    """Shannon's entropy of a text, in bits a character."""
    size = len(value)
    return -sum(n / size * math.log2(n / size) for n in Counter(value).values())

"""Credentials known by what they look like, whatever they are called: tokens, private keys, passwords in URLs.

The table has what providers document, or what gitleaks, detect-secrets and TruffleHog know of them: a prefix, what
follows it and how much of it. One search finds the prefixes, and only what follows one is looked at closely, so that
200 KB take a millisecond or two. GitHub's and npm's tokens end in check digits; where these are right, a token counts
even in the middle of other letters.

Left out on purpose: long random texts as such. They are digests, ids and pictures far more often than credentials.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.kubernetes.credentials.searches import lazy

if TYPE_CHECKING:
    from collections.abc import Iterator

DIGITS: Final = b"0123456789"
UPPER: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOWER: Final = UPPER.lower()
ALNUM: Final = DIGITS + UPPER + LOWER
HEX: Final = DIGITS + b"abcdefABCDEF"
WORD: Final = ALNUM + b"_-"
DOTTED: Final = WORD + b"."
BASE64: Final = ALNUM + b"+/="
BASE64URL: Final = WORD + b"="


class Shape(Struct, frozen=True):
    """A provider's token: what it begins with, then at least so many of some characters."""

    what: str
    prefixes: str
    """Apart by spaces."""
    alphabet: bytes
    least: int


SHAPES: Final = (
    Shape("an AWS access key", "AKIA ASIA ABIA ACCA", UPPER + DIGITS, 16),
    Shape("an AWS Bedrock key", "ABSK", BASE64, 100),
    Shape("a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", ALNUM, 36),
    Shape("a GitHub token", "github_pat_", WORD, 60),
    Shape(
        "a GitLab token",
        "glpat- gldt- glrt- glft- glimt- glagent- gloas- glsoat- glcbt- glptt- glffct-",
        DOTTED,
        20,
    ),
    Shape("a GitLab token", "GR1348941", WORD, 20),
    Shape("a Slack token", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxe- xoxe.xoxp- xoxe.xoxb- xapp-", WORD, 10),
    Shape("a Stripe key", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_ whsec_", ALNUM, 10),
    Shape("a Google API key", "AIza", WORD, 35),
    Shape("a Google client secret", "GOCSPX-", WORD, 24),
    Shape("a Google access token", "ya29.", DOTTED, 20),
    Shape("a PyPI token", "pypi-AgE", WORD, 40),
    Shape("an npm token", "npm_", ALNUM, 36),
    Shape("an OpenAI key", "sk-proj- sk-svcacct- sk-admin-", WORD, 20),
    Shape("an Anthropic key", "sk-ant-", WORD, 20),
    Shape("an API key", "sk-or-v1- sk-", ALNUM, 32),
    Shape("a SendGrid key", "SG.", DOTTED, 60),
    Shape("a Mailgun key", "key-", HEX, 32),
    Shape("a Brevo key", "xkeysib-", WORD, 64),
    Shape("a Twilio key", "SK", HEX, 32),
    Shape("a DigitalOcean token", "dop_v1_ doo_v1_ dor_v1_", HEX, 64),
    Shape("a Docker token", "dckr_pat_ dckr_oat_", WORD, 20),
    Shape("a Hugging Face token", "hf_ api_org_", ALNUM, 34),
    Shape("a HashiCorp Vault token", "hvs. hvb. hvr.", WORD, 24),
    Shape("a Databricks token", "dapi", HEX, 32),
    Shape("a Shopify token", "shpat_ shpca_ shppa_ shpss_", HEX, 32),
    Shape("a Square token", "sq0atp- sq0csp-", WORD, 22),
    Shape("a RubyGems key", "rubygems_", HEX, 48),
    Shape("a Grafana token", "glsa_ glc_", BASE64URL + b"+/", 32),
    Shape("a New Relic key", "NRAK- NRII- NRJS-", WORD, 19),
    Shape("a Sentry token", "sntrys_ sntryu_", BASE64URL + b"+/", 40),
    Shape("a Linear key", "lin_api_", ALNUM, 40),
    Shape("a Postman key", "PMAK-", WORD, 50),
    Shape("a Pulumi token", "pul-", HEX, 40),
    Shape("a PlanetScale credential", "pscale_tkn_ pscale_pw_ pscale_oauth_", DOTTED, 32),
    Shape("a Doppler token", "dp.pt. dp.st. dp.ct.", DOTTED, 40),
    Shape("a Dynatrace token", "dt0c01. dt0s01.", DOTTED, 60),
    Shape("an Alibaba access key", "LTAI", ALNUM, 16),
    Shape("a JFrog key", "AKCp cmVmd", ALNUM, 55),
    Shape("a Heroku key", "HRKU-AA", WORD, 50),
    Shape("a Notion token", "ntn_", ALNUM, 40),
    Shape("a Perplexity key", "pplx-", ALNUM, 40),
    Shape("a Groq key", "gsk_", ALNUM, 40),
    Shape("a Replicate token", "r8_", ALNUM, 36),
    Shape("an NVIDIA key", "nvapi-", WORD, 50),
    Shape("a Figma token", "figd_", WORD, 36),
    Shape("a Tailscale key", "tskey-auth- tskey-api- tskey-client-", WORD, 20),
    Shape("an Atlassian token", "ATATT3x ATBB ATCTT3x", BASE64URL, 28),
    Shape("a Sonar token", "squ_ sqp_ sqa_", HEX, 40),
    Shape("a Buildkite token", "bkua_", HEX, 40),
    Shape("a Typeform token", "tfp_", DOTTED, 40),
    Shape("a Fly.io token", "fo1_ fm2_", BASE64URL + b"+/", 43),
    Shape("a Contentful token", "CFPAT-", WORD, 40),
    Shape("an EasyPost key", "EZAK EZTK", ALNUM, 54),
    Shape("a 1Password token", "ops_eyJ", BASE64, 100),
    Shape("a Prefect key", "pnu_", ALNUM, 36),
    Shape("an OpenShift token", "sha256~", WORD, 43),
    Shape("an age key", "AGE-SECRET-KEY-1", UPPER + DIGITS, 50),
    Shape("a JSON Web Token", "eyJhbGciO eyJ0eXAiO eyJraWQiO", DOTTED, 8),
)
_BY_PREFIX: Final = {p.encode(): shape for shape in SHAPES for p in shape.prefixes.split()}
_CHECKED: Final = frozenset({b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"npm_"})
"""Whose last six of 36 characters are the CRC-32 of the first 30, in base 62: GitHub's blog, "Behind GitHub's new
authentication token formats" and "Announcing npm's new access token format", both of 2021."""

_EXACT: Final = frozenset({b"AKIA", b"ASIA", b"ABIA", b"ACCA"})
"""Followed by no more than the table says: capitals and digits alone are anything."""


def _escaped(text: bytes) -> bytes:
    return text.replace(b".", rb"\.").replace(b"+", rb"\+")


_ANY_PREFIX: Final = b"|".join(map(_escaped, sorted(_BY_PREFIX, key=len, reverse=True)))
_PREFIXES: Final = lazy(_ANY_PREFIX)

_OTHERS: Final = (
    ("a private key", lazy(
        rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr])*[A-Za-z0-9+/=]{3,}"
    )),
    ("a private key", lazy(rb"PuTTY-User-Key-File-[23]:")),
    ("a webhook's URL", lazy(
        rb"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9]+/[A-Za-z0-9]+/[A-Za-z0-9]{8,}"
        rb"|discord(?:app)?\.com/api/webhooks/[0-9]{10,}/[A-Za-z0-9_-]{30,}"
        rb"|webhook\.office\.com/webhookb2/[0-9a-f-]{30,}@"
    )),
    ("a Telegram token", lazy(rb"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}\b")),
    ("an Azure client secret", lazy(
        rb"(?:^|[^A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}(?:$|[^A-Za-z0-9_~.-])"
    )),
    ("a signed URL", lazy(
        rb"[?&](?:sig|X-Amz-Signature|X-Goog-Signature|Signature)=[A-Za-z0-9%+/_-]{20,}"
    )),
    ("a Terraform token", lazy(rb"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}")),
)  # fmt: skip
_USERINFO: Final = lazy(rb"[A-Za-z][A-Za-z0-9+.-]{0,40}://([^\s/?#@:\"'<>|`\\]*):([^\s/?#@\"'<>`\\]+)@")
_ORACLE: Final = lazy(rb"jdbc:oracle:\w+:[^\s/@]+/([^\s/@]+)@")
_AUTHORIZATION: Final = lazy(rb"(?i)\b(bearer|basic|token)(?:\s+|%20)([A-Za-z0-9_.~+/=:-]{3,})")
_AUTHS: Final = lazy(rb"\\*\"auth\\*\"\s*:\s*\\*\"([A-Za-z0-9+/=]{4,})")
HINT: Final = (
    rb"(?i)pass|pwd|psw|pswd|pw|secret|token|key|cred|bearer|jwt|pat\b|basic |auth|://|private|oracle|identified by"
    rb"|(?:^|\W)-(?:[uaw]\b|p)|--user|[?&]sig|hooks|webhook|Q~|:AA|\$ANSIBLE|" + _ANY_PREFIX
)
"""What no text is without that has a credential by these rules; most values are done with after this one search."""


def token(text: bytes) -> tuple[str, int] | None:
    """The first credential that is one by its looks: what it is, and where in the text; None without one."""
    for match in _PREFIXES().finditer(text):
        if what := _shaped(text, match.start(), match.group()):
            return what, match.start()
    for what, pattern in _OTHERS:
        if (match := pattern().search(text)) is not None:
            return what, match.start()
    return None


def places(text: bytes) -> Iterator[tuple[int, int]]:
    """Where every credential stands that is one by its looks: first and last byte; of a key, all that follows."""
    for match in _PREFIXES().finditer(text):
        if _shaped(text, match.start(), match.group()):
            body = text[match.end() : match.end() + 4_000]
            length = len(body) - len(body.lstrip(_BY_PREFIX[match.group()].alphabet))
            yield match.start(), match.end() + length
    for what, pattern in _OTHERS:
        for match in pattern().finditer(text):
            yield match.start(), len(text) if what == "a private key" else match.end()


def _shaped(text: bytes, start: int, prefix: bytes) -> str:
    shape = _BY_PREFIX[prefix]
    begin = start + len(prefix)
    window = text[begin : begin + 400]
    body = window[: len(window) - len(window.lstrip(shape.alphabet))]
    if prefix in _CHECKED and len(body) >= 36 and check_digits(body[:30]) == body[30:36]:
        return shape.what
    if start and text[start - 1] in ALNUM:
        return ""
    follows = text[begin + len(body) : begin + len(body) + 1]
    if len(body) < shape.least or (shape.alphabet in {ALNUM, HEX} and follows == b"_"):
        return ""  # a word goes on: npm_config_registry
    return "" if prefix in _EXACT and len(body) > shape.least else shape.what


def check_digits(body: bytes) -> bytes:
    """The six check digits of a GitHub or npm token with this body."""
    number = zlib.crc32(body)
    digits = b""
    while number:
        number, digit = divmod(number, 62)
        digits = ALNUM[digit : digit + 1] + digits
    return digits.rjust(6, b"0")


def userinfo(text: bytes) -> Iterator[tuple[bytes, int]]:
    """Passwords of URLs, `user:password@`, and where they stand."""
    for pattern in (_USERINFO, _ORACLE):
        for match in pattern().finditer(text):
            password = match.group(match.lastindex)
            yield password, match.start(match.lastindex)


def authorizations(text: bytes) -> Iterator[tuple[str, bytes, int]]:
    """What follows `Bearer`, `Basic` and `token`: the scheme in lower case, the credential, and where it stands."""
    for match in _AUTHORIZATION().finditer(text):
        yield match.group(1).decode().lower(), match.group(2), match.start(2)


def registry_logins(text: bytes) -> Iterator[tuple[bytes, int]]:
    """The `auth` of a Docker configuration."""
    for match in _AUTHS().finditer(text):
        yield match.group(1), match.start(1)


def is_login(encoded: bytes) -> bool:
    """Whether base64 is of `user:password`."""
    try:
        plain = base64.b64decode(encoded + b"=" * (-len(encoded) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return False
    user, found, password = plain.partition(":")
    return bool(found and password) and plain.isprintable() and "$" not in user

"""What a name says of its value: whether it is a credential, may be one, or is something about one.

A name is read by its words, never by its letters: `MONKEY` has no key in it, `dbPassword` and `DBPASSWORD` both have a
password. English puts what a thing is last, so the last credential word decides, with what follows it: `TOKEN_URL` is
a URL, `PASSWORD_MIN_LENGTH` a length, `SECRET_KEY_BASE` still a key.

Left out on purpose: the value (`values.py`). A name alone is never a credential.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

MAX_NAME: Final = 300
"""Characters of a name that are read, from its end: what it is stands there."""


class Claim(IntEnum):
    """How strongly a name says that its value is a credential: the weaker, the more the value has to look like one."""

    NONE = 0
    WEAK = 1
    FAIR = 2
    STRONG = 3


class Meaning(NamedTuple):
    """What a name says of its value."""

    claim: Claim
    kind: str = ""
    """`password`, `secret`, `key`, `token`, `credential`, or `own` for an entry of the user's."""
    explicit: bool = False
    """Whether it says what the credential is for, so that it cannot be the name of an object that holds one."""


NOTHING: Final = Meaning(Claim.NONE)

SYNONYMS: Final[dict[str, dict[str, str]]] = {
    "password": dict.fromkeys(
        ("password", "passwords", "passwd", "passphrase", "passcode", "pass", "pw", "pswd", "psw", "passwort"), "password"
    ),
    "pwd": {"pwd": "password"},
    "secret": {"secret": "secret", "secrets": "secret"},
    "key": {"key": "key", "keys": "key"},
    "token": {"token": "token", "tokens": "token"},
    "jwt": {"jwt": "token"},
    "bearer": {"bearer": "token"},
    "credential": dict.fromkeys(("credential", "credentials", "cred", "creds"), "credential"),
}  # fmt: skip
"""The words an entry of sensitiveKeyNames stands for where it is one of Kubescape's, and the kind they name."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NOT_ITSELF: Final = _words("""
    url urls uri uris link endpoint endpoints host hosts hostname port ports addr address addresses server servers domain
    file files filename filepath path paths dir directory folder location mount mountpath volume keystore truststore
    name names ref refs reference id ids uid arn label labels alias title text message description desc hint help
    placeholder prompt example sample
    length len size min max minimum maximum count limit limits quota rate bits bytes entropy strength complexity
    ttl timeout expiry expires expire expiration expired duration lifetime age validity interval period schedule cron
    day days hour hours minute minutes min mins second seconds secs sec ms millis time timestamp date leeway grace
    prefix prefixes suffix separator delimiter header headers cookie param params parameter parameters query
    field fields column table attribute attributes claim claims property pattern regex regexp template format
    issuer issuers iss audience audiences aud subject sub algorithm algorithms algo algos alg cipher curve hash hashes
    type types kind class mode method methods policy policies strategy provider providers backend engine manager store
    source sources resolver operator controller service services client clients driver plugin module handler
    version versions encoding encoder charset schema scheme
    enabled enable disabled disable required require optional allowed allow active supported available
    reset resets rotation rotate rotating rotator refresh renewal renew change changed update updated created creation
    generator generation generate history attempts attempt retries retry reuse check checker checks validation validator
    validate verification verify review exchange revocation revoke introspection cache caching
    auth authentication authenticated authenticator authorization login grant grants flow session sessions
    scope scopes role roles group groups user users username owner account accounts namespace region zone project
    stdin env var variable variables selector index count counter usage metrics metric log logs logging level
    rules rule settings config configuration options option
    lookup mapping map list lists order sort space spaces word words ring board binding bindings
    fingerprint checksum digest thumbprint hashed hasher
    bucket topic queue stream channel event events button form page view screen dialog
    size budget tracking counting
""")
"""After a credential word, these say that the value is something about it. Words of configuration, none of a secret."""

STILL_ITSELF: Final = _words("""
    prod production dev devel development stage staging test testing qa uat local live sandbox demo preview
    old new current previous prev next primary secondary main backup default initial temp tmp legacy
    base b64 base64 encoded raw plain plaintext plain value string str data content contents txt hex
    rw ro readonly readwrite read write a b c one two v
""")
"""After a credential word, these change nothing."""

ABOUT: Final = _words("""
    enable enabled enables disable disabled allow allowed allows require required requires skip num number max maximum min
    minimum count public pub publishable has is use uses using verify validate check rotate reset forgot show hide without
    no empty ignore anonymous optional total per
""")
"""Before a credential word, these say that it is about one."""

KEY_STRONG: Final = _words("""
    api access secret private priv auth authentication encryption encrypt encrypting decryption decrypt crypt crypto
    cryptographic signing sign signature signer master ssh rsa dsa ecdsa ed25519 hmac aes gpg pgp shared deploy webhook
    jwt license licence unseal recovery bearer apps
    openai anthropic stripe sendgrid mailgun twilio algolia datadog dd newrelic mailchimp pagerduty opsgenie honeycomb
    tailscale wandb gemini mistral groq cohere deepseek huggingface fernet transit
""")
"""Before `key`: nobody calls anything else so."""
KEY_FAIR: Final = _words("""
    db database app application service account storage client session cookie root admin user server azure aws gcp google
    slack github gitlab firebase sentry instrumentation salt host wallet node mail smtp redis mongo mysql postgres
    ssl tls oauth bot consumer identity security secure protected enc dec team org site integration ingest write
    django flask rails laravel symfony nextauth
""")
"""Before `key`: a credential mostly, but also how something is found."""
KEY_INNOCENT: Final = _words("""
    public pub publishable cache partition sort primary foreign routing shard map hash range label annotation topology
    config configuration lock object header message record group query index dedup deduplication idempotency tenant project
    issue translation i18n l10n locale country feature flag hot short shortcut arrow enter row column field dict dictionary
    json yaml property metric metrics attribute context event order sorting unique composite surrogate natural business
    document item file bucket s3 path resource type state tracking correlation trace cursor pagination page filter search
    join lookup grouping bucketing aggregation tag host_key known settings setting option env environment variable
    any press pressed ctrl shift alt esc escape tab function
""")
"""Before `key`: what something is found by."""
TOKEN_INNOCENT: Final = _words("""
    page next continuation eos bos pad unk mask sep stop start end special cls delimiter lexer parser syntax
    cancellation fencing input output completion prompt context max synchronizer
    """)
"""Before `token`: what a text is cut into, or a place in a list."""
SECRET_REFERENCE: Final = _words("""
    pull imagepull image registry tls cert certs certificate ca ssl ingress k8s kube kubernetes existing external
    sealed regcred dockerconfig docker mount mounted generic opaque target source destination
""")
"""Before `secret`: an object of Kubernetes, whose name the value is."""
EXPLICIT: Final = _words("""
    client api access secret auth refresh private bearer app application oauth oauth2 oidc jwt session cookie signing
    consumer shared webhook hmac csrf xsrf encryption admin root personal bot master user id github gitlab slack npm
    vault deploy device stripe
""")
"""Before `secret`, `token` or `key` in running text: they are not the name of an object."""
PASS_INNOCENT: Final = _words("""
    proxy by low high first second third single multi num number render shader band all two one boarding press season test
    tests must should will can ski mountain fast
""")

_GLUED: Final = ("passwords", "password", "passphrase", "passwd", "secrets", "secret", "tokens", "token", "credentials", "credential",
                 "creds", "pwd")  # fmt: skip
"""Words so unlike others that what ends with them is written together: DBPASSWORD."""
_GLUED_PASS: Final = _words("""
    db database user usr root admin smtp mail email mysql my pg postgres sql redis mongo mongodb rabbitmq rabbit mq amqp
    ldap ftp sftp ssh http https proxy key keystore store truststore trust ssl tls cert basic auth login kafka es elastic
    elasticsearch influx grafana jenkins nexus sonar app api bind vnc rdp sudo wifi wp db2 oracle mssql sa bot svc service
""")
_FRONT: Final = ("passphrase", "password", "passwd", "secrets", "secret", "token", "key", "jwt")


def split(name: str) -> list[str]:
    """The words of a name, in lower case: parts between separators, of camelCase, and what is written together."""
    found: list[str] = []
    start = 0
    text = name[-MAX_NAME:]
    for index, letter in enumerate(text):
        if not letter.isalnum():
            if start < index:
                _take(text[start:index], found)
            start = index + 1
        elif index > start and letter.isupper():
            before = text[index - 1]
            after = text[index + 1 : index + 2]
            if before.islower() or before.isdigit() or (before.isupper() and after.islower()):
                _take(text[start:index], found)
                start = index
    if start < len(text):
        _take(text[start:], found)
    return found


def _take(part: str, found: list[str]) -> None:
    word = part.lower()
    bare = word.rstrip("0123456789")
    if len(bare) > 2:
        word = bare  # PASSWORD1
    if not word.isdigit():
        found += _parted(word)


@lru_cache(maxsize=2048)
def _parted(word: str) -> tuple[str, ...]:
    """A word written together, as its two words; most are one."""
    for tail in _GLUED:
        if word.endswith(tail) and word != tail:
            return (*_parted(word[: -len(tail)]), tail)
    for tail, fronts in (("key", KEY_STRONG | KEY_FAIR), ("keys", KEY_STRONG | KEY_FAIR), ("pass", _GLUED_PASS)):
        front = word[: -len(tail)]
        if word.endswith(tail) and front in fronts:
            return (front, tail)
    for front in _FRONT:
        if word.startswith(front) and word[len(front) :] in NOT_ITSELF | {"key", "keys", "value", "token"}:
            return (front, word[len(front) :])
    return (word,)


def meaning(name: str, entries: tuple[str, ...]) -> Meaning:
    """What a name says of its value.

    Args:
        name: of a variable, a key, an option.
        entries: sensitiveKeyNames. Kubescape's stand for words that mean the same (`SYNONYMS`); others are looked for
            as they are, as whole words, whatever stands between them.
    """
    return _meaning(name, entries)


@lru_cache(maxsize=4096)
def _meaning(name: str, entries: tuple[str, ...]) -> Meaning:
    kinds, phrases = _vocabulary(entries)
    words = split(name)
    # an entry of several words, or of the user's, before single words that it may contain
    for end in range(len(words), 0, -1):
        for phrase in phrases:
            begin = end - len(phrase)
            if begin >= 0 and tuple(words[begin:end]) == phrase:
                return _claimed("own", words[:begin], words[end:], Claim.STRONG, explicit=True)
        if kind := kinds.get(words[end - 1]):
            return _builtin(kind, words[end - 1], words[: end - 1], words[end:])
    return NOTHING


@lru_cache(maxsize=64)
def _vocabulary(entries: tuple[str, ...]) -> tuple[dict[str, str], tuple[tuple[str, ...], ...]]:
    """Single words with their kind, and phrases, longest first."""
    kinds: dict[str, str] = {}
    phrases: set[tuple[str, ...]] = set()
    for entry in entries:
        known = SYNONYMS.get(entry.strip().lower())
        if known is not None:
            kinds |= known
        else:
            phrases |= {tuple(split(entry)), (entry.strip().lower(),)}
    return kinds, tuple(sorted(filter(None, phrases), key=len, reverse=True))


def _builtin(kind: str, word: str, before: list[str], after: list[str]) -> Meaning:
    qualifier = before[-1] if before else ""
    explicit = qualifier in EXPLICIT or (kind == "key" and qualifier in KEY_STRONG)
    most = Claim.STRONG
    if kind == "key":
        if qualifier in {"access", "accesskey"} and after[:1] == ["id"]:
            after = after[1:]  # the user name of a secret key, which goes with it
        if qualifier in KEY_INNOCENT:
            return NOTHING
        most = Claim.STRONG if qualifier in KEY_STRONG else Claim.FAIR if qualifier in KEY_FAIR else Claim.WEAK
        if "secret" in before or "private" in before:
            most = Claim.STRONG
    elif kind == "token" and qualifier in TOKEN_INNOCENT:
        return NOTHING
    elif kind == "secret":
        if qualifier in SECRET_REFERENCE:
            return NOTHING
        if after == ["id"]:
            return Meaning(Claim.WEAK, kind, explicit)  # of an AppRole, or of an entry in a store
    elif word == "pass":
        if qualifier in PASS_INNOCENT or [w for w in after if w not in STILL_ITSELF]:
            return NOTHING
        most = Claim.STRONG if before else Claim.FAIR
    elif kind == "credential":
        most = Claim.FAIR
    if word.endswith("s") and word not in {"pass"}:
        most = min(most, Claim.FAIR)
    return _claimed(kind, before, after, most, explicit=explicit)


def _claimed(kind: str, before: list[str], after: list[str], most: Claim, *, explicit: bool) -> Meaning:
    if not NOT_ITSELF.isdisjoint(after) or not ABOUT.isdisjoint(before):
        return NOTHING
    if not STILL_ITSELF.issuperset(after):
        most = min(most, Claim.FAIR)
    return Meaning(most, kind, explicit)

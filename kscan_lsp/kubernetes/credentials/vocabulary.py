"""The words that names and values are read by.

Data, and the one place to add to when a name is read wrongly; each set says what its words mean where they stand.
"""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SYNONYMS: Final[dict[str, dict[str, str]]] = {
    "password": dict.fromkeys(
        ("password", "passwords", "passwd", "passphrase", "passcode", "pass", "pw", "pswd", "psw", "passwort",
         "requirepass", "masterauth"), "password"
    ),
    "pwd": {"pwd": "password"},
    "secret": {"secret": "secret", "secrets": "secret"},
    "key": {"key": "key", "keys": "key"},
    "token": {"token": "token", "tokens": "token", "pat": "token"},
    "jwt": {"jwt": "token"},
    "bearer": {"bearer": "token"},
    "credential": dict.fromkeys(("credential", "credentials", "cred", "creds"), "credential"),
}  # fmt: skip
"""The words an entry of sensitiveKeyNames stands for where it is one of Kubescape's, and the kind they name."""
SEVERAL: Final = _words("passwords secrets keys tokens credentials creds")
"""More than one: as often a list of names, or how many there are."""

PHRASES: Final = {
    ("pass", "word"): "password",
    ("pass", "phrase"): "passphrase",
    ("pass", "code"): "passcode",
    ("pre", "shared"): "preshared",
    ("erlang", "cookie"): "secret",
    ("redis", "auth"): "password",
    ("rediscli", "auth"): "password",
}
"""Two words that mean one."""
NOT_ITSELF: Final = _words("""
    url urls uri uris link endpoint endpoints host hosts hostname port ports addr address addresses
    server servers domain file files filename filepath path paths dir directory folder location
    mount mountpath volume keystore truststore name names ref refs reference id ids uid arn label
    labels alias title text message description desc hint help placeholder prompt example sample
    length len size min max minimum maximum count limit limits quota rate bits bytes entropy
    strength complexity ttl timeout expiry expires expire expiration expired duration lifetime age
    validity interval period schedule cron day days hour hours minute minutes mins second seconds
    secs sec ms millis time timestamp date leeway grace prefix prefixes suffix separator delimiter
    header headers cookie param params parameter parameters query field fields column table
    attribute attributes claim claims property pattern regex regexp template format issuer issuers
    iss audience audiences aud subject sub algorithm algorithms algo algos alg cipher curve hash
    hashes type types kind class mode method methods policy policies strategy provider providers
    backend engine manager store source sources resolver operator controller service services client
    clients driver plugin module handler version versions encoding encoder charset schema scheme
    encryption enabled enable disabled disable required require optional allowed allow active
    supported available reset resets rotation rotate rotating rotator refresh renewal renew change
    changed update updated created creation generator generation generate history attempts attempt
    retries retry reuse check checker checks validation validator validate verification verify
    review exchange revocation revoke introspection cache caching auth authentication authenticated
    authenticator authorization login grant grants flow session sessions scope scopes role roles
    group groups user users username owner account accounts namespace region zone project stdin env
    var variable variables selector index counter usage metrics metric log logs logging level rules
    rule settings config configuration options option lookup mapping map list lists order sort space
    spaces word words ring board binding bindings fingerprint checksum digest thumbprint hashed
    hasher bucket topic queue stream channel event events button form page view screen dialog budget
    tracking counting
""")
"""After a credential word, these say that the value is something about it. Words of configuration, none of a secret."""
STILL_ITSELF: Final = _words("""
    prod production dev devel development stage staging test testing qa uat local live sandbox demo
    preview old new current previous prev next primary secondary main backup default initial temp
    tmp legacy base b64 base64 encoded raw plain plaintext value string str data content contents
    txt hex rw ro readonly readwrite read write a b c one two v
""")
"""After a credential word, these change nothing."""
ABOUT: Final = _words("""
    enable enabled enables disable disabled allow allowed allows require required requires skip num
    number max maximum min minimum count public pub publishable has is use uses using verify
    validate check rotate reset forgot show hide without no empty ignore anonymous optional total
    per
""")
"""Before a credential word, these say that it is about one."""
KEY_STRONG: Final = _words("""
    api access secret private priv auth authentication encryption encrypt encrypting decryption
    decrypt crypt crypto cryptographic signing sign signature signer master ssh rsa dsa ecdsa
    ed25519 hmac aes shared deploy webhook jwt unseal recovery bearer apps openai
    anthropic stripe sendgrid mailgun twilio algolia datadog dd newrelic mailchimp pagerduty
    opsgenie honeycomb tailscale wandb gemini mistral groq cohere deepseek huggingface fernet
    transit preshared psk
""")
"""Before `key`: nobody calls anything else so."""
KEY_FAIR: Final = _words("""
    db database app application service account storage client session cookie root admin user server
    azure aws gcp google slack github gitlab firebase sentry instrumentation salt host wallet node
    mail smtp redis mongo mysql postgres ssl tls oauth bot consumer identity security secure
    protected license licence enc dec team org integration ingest write django flask rails laravel symfony nextauth
""")
"""Before `key`: a credential mostly, but also how something is found."""
KEY_INNOCENT: Final = _words("""
    public pub publishable cache partition sort primary foreign routing shard map hash range label
    annotation topology config configuration lock object header message record group query index
    dedup deduplication idempotency tenant project issue translation i18n l10n locale country
    feature flag hot short shortcut arrow enter row column field dict dictionary json yaml property
    metric metrics attribute context event order sorting unique composite surrogate natural business
    document item file bucket s3 path resource type state tracking correlation trace cursor
    pagination page filter search lookup grouping bucketing aggregation tag host_key known settings
    setting option env environment variable gpg pgp any press pressed ctrl shift alt esc escape tab
    function site
""")
"""Before `key`: what something is found by."""
TOKEN_INNOCENT: Final = _words("""
    page next continuation eos bos pad unk mask sep stop start end special cls delimiter lexer
    parser syntax cancellation fencing input output completion prompt context max synchronizer
""")
"""Before `token`: what a text is cut into, or a place in a list."""
SECRET_REFERENCE: Final = _words("""
    pull imagepull image registry tls cert certs certificate ca ssl ingress k8s kube kubernetes
    existing external sealed regcred dockerconfig docker mount mounted generic opaque target source
    destination config
""")
"""Before `secret`: an object of Kubernetes, whose name the value is."""
EXPLICIT: Final = _words("""
    client api access secret auth refresh private bearer app application oauth oauth2 oidc jwt
    session cookie signing consumer shared webhook hmac csrf xsrf encryption admin root personal bot
    master user id github gitlab slack npm vault deploy device stripe
""")
"""Before `secret`, `token` or `key` in running text: they are not the name of an object."""
PASS_INNOCENT: Final = _words("""
    proxy by low high first second third single multi num number render shader band all two one
    boarding press season test tests must should will can ski mountain fast
""")
"""Before `pass`: it is a verb, or a way through."""

GLUED: Final = (
    "passwords", "password", "passphrase", "passwd", "secrets", "secret", "tokens", "token", "credentials",
    "credential", "creds", "pwd",
)  # fmt: skip
"""So unlike other words that what ends with one is written together: DBPASSWORD. Longest first."""
GLUED_FIRST: Final = ("passphrase", "password", "passwd", "secrets", "secret", "token", "key", "jwt")
"""The same of what begins with one and goes on with a word of `NOT_ITSELF`: `passwordfile`."""
GLUED_PASS: Final = _words("""
    db database user usr root admin smtp mail email mysql my pg postgres sql redis mongo mongodb
    rabbitmq rabbit mq amqp ldap ftp sftp ssh http https proxy key keystore store truststore trust
    ssl tls cert basic auth login kafka es elastic elasticsearch influx grafana jenkins nexus sonar
    app api bind vnc rdp sudo wifi wp db2 oracle mssql sa bot svc service
""")
"""Before `pass` and `pw`, written together: `dbpass`. Other words end like that, too."""

NAMED: Final = _words("""
    apikey auth credential credentials key pass passcode passphrase passwd password pwd secret token
    user username
""")
"""What credentials are called, as a value: a label, or the name of one."""
PASSWORDS: Final = _words("""
    password passwd passphrase secret changeme changeit letmein qwerty
""")
"""In a password that is all words: what people put in for the time being. No group of users is called so."""
TYPES: Final = _words("""
    str string text bytes byte int integer number bool boolean object array list map any null none
    nil undefined void optional true false function func def required readonly writeonly sensitive
    input output self this req request config params args env data value values field char varchar
    file path
""")
"""As a value in running text: what a schema or a program says of a value."""
NOT_TOKENS: Final = _words("""
    token tokens auth authentication authorization only realm scheme format type header headers
    method methods and or is in for with the must required based jwt access string credentials
    security prefix
""")
"""After `Bearer`: running text."""
OF_OBJECTS: Final = _words("""
    secret secrets cred creds credential credentials token tokens key keys cert certs tls ssl auth
    config pull sa
""")
"""In the name of an object: it holds credentials."""
HTTP: Final = _words("""
    curl wget http https httpie ab hey wrk xh
""")
"""Programs whose `-u` is a login."""
WRAPPERS: Final = _words("""
    sudo exec env nohup time timeout then do else if elif while until ! nice ionice stdbuf tini
    dumb-init gosu su-exec run-parts xargs
""")
"""Before a program on its command line."""

"""The parts: what names mean, what values say, which tokens are known, and that no text takes long."""

from __future__ import annotations

import itertools
import time

import pytest

from kscan_lsp.kubernetes import credentials
from kscan_lsp.kubernetes.credentials import commands, names, texts, tokens, values
from kscan_lsp.kubernetes.credentials.names import Claim
from kscan_lsp.kubernetes.credentials.searches import compiled

ENTRIES = (
    "aws_secret_access_key",
    "secret",
    "key",
    "password",
    "pwd",
    "token",
    "jwt",
    "bearer",
    "credential",
)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("DB_PASSWORD", ["db", "password"]),
        ("dbPassword", ["db", "password"]),
        ("DBPASSWORD", ["db", "password"]),
        ("DBPassword", ["db", "password"]),
        ("spring.datasource.password", ["spring", "datasource", "password"]),
        ("APIKey", ["api", "key"]),
        ("apikey", ["api", "key"]),
        ("MONKEY", ["monkey"]),
        ("tokenizer", ["tokenizer"]),
        ("keyboard_layout", ["key", "board", "layout"]),
        ("PASSWORD1", ["password"]),
        ("pass_phrase", ["passphrase"]),
        ("", []),
    ],
)
def test_names_are_split_into_words(name: str, words: list[str]) -> None:
    assert names.split(name) == words


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("DB_PASSWORD", Claim.STRONG),
        ("PASSWORD_PROD", Claim.STRONG),
        ("SECRET_KEY_BASE", Claim.STRONG),
        ("AWS_SECRET_ACCESS_KEY", Claim.STRONG),
        ("TOKEN_GITHUB", Claim.FAIR),
        ("LICENSE_KEY", Claim.FAIR),
        ("DB_KEY", Claim.FAIR),
        ("KEY", Claim.WEAK),
        ("TOKEN_URL", Claim.NONE),
        ("AWS_ACCESS_KEY_ID", Claim.NONE),
        ("PASSWORD_MIN_LENGTH", Claim.NONE),
        ("ENABLE_PASSWORD", Claim.NONE),
        ("PUBLIC_KEY", Claim.NONE),
        ("CACHE_KEY", Claim.NONE),
        ("TLS_SECRET", Claim.NONE),
        ("KEYCLOAK", Claim.NONE),
        ("keyboard_layout", Claim.NONE),
    ],
)
def test_what_a_name_claims(name: str, claim: Claim) -> None:
    assert names.meaning(name, ENTRIES).claim is claim


def test_entries_of_the_user_are_whole_words_and_obey_the_same_grammar() -> None:
    own = ("kennwort", "api_pin")
    assert names.meaning("DB_KENNWORT", own).claim is Claim.STRONG
    assert names.meaning("apiPin", own).claim is Claim.STRONG
    assert names.meaning("DB_KENNWORT_FILE", own).claim is Claim.NONE
    assert names.meaning("kennworte", own).claim is Claim.NONE
    assert names.meaning("DB_PASSWORD", own).claim is Claim.NONE  # the list replaces the default
    assert (
        credentials.credential("app.yaml", "db:\n  kennwort: geheim1\n", list(own)) == "a credential (line 2)"
    )


def test_check_digits_of_github_and_npm() -> None:
    body = b"0123456789ABCDEFGHIJabcdefghij"
    token = b"ghp_" + body + tokens.check_digits(body)
    assert len(token) == 40
    assert tokens.token(b"x" + token + b"y") == ("a GitHub token", 1)
    wrong = token[:-1] + (b"0" if token[-1:] != b"0" else b"1")
    assert tokens.token(wrong) == ("a GitHub token", 0)  # on its own it is one by its looks
    assert tokens.token(b"x" + wrong + b"y") is None
    assert tokens.token(b"npm_config_registry_url_of_the_company_we_are") is None


@pytest.mark.parametrize("shape", tokens.SHAPES, ids=lambda shape: shape.prefixes)
def test_every_shape_is_found_at_its_least_length_and_not_below(shape: tokens.Shape) -> None:
    for prefix in shape.prefixes.split():
        letters = [c for c in shape.alphabet if chr(c).isalnum()]
        body = bytes((letters * 100)[: shape.least])
        found = tokens.token(b"= " + prefix.encode() + body + b" ")
        assert found is not None
        assert found[1] == 2
        if shape.least > 12:
            assert tokens.token(prefix.encode() + body[:5] + b" ") is None


@pytest.mark.parametrize(
    "value",
    [
        "$(X)", "a-$(X)-b", "${X}", "a-${X}", "$X", "{{ x }}", "{% x %}", "<x>", "%X%", "@X@", "__X__", "#{X}#",
        "ENC[AES256_GCM,data:x,type:str]", "ENC(abc)", "{cipher}abc", "vault:a/b#c", "ref+vault://a", "op://a/b/c",
        "arn:aws:secretsmanager:x", "TODO", "REPLACE_ME", "your-api-key", "${{ secrets.X }}",
    ],
)  # fmt: skip
def test_what_stands_for_another_value(value: str) -> None:
    assert values.stands_for_another(value)
    assert not credentials.credential("DB_PASSWORD", value, list(ENTRIES))
    assert not credentials.secret("password", value)


@pytest.mark.parametrize(
    "value",
    ["true", "no", "3600s", "1h30m", "P7D", "256Mi", "95%", "2024-01-31", "1.2.3", "https://x.example/y", "/etc/x",
     "./x", "C:\\keys", "tls.key", "ssh-ed25519 AAAAC3 x", "***",
     "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"],
)  # fmt: skip
def test_what_is_no_credential_whatever_it_is_called(value: str) -> None:
    assert values.is_something_else(value)
    assert not credentials.credential("DB_PASSWORD", value, list(ENTRIES))


def test_numbers_are_amounts_but_for_passwords_and_long_ones() -> None:
    def found(name: str, value: str) -> str:
        return credentials.credential(name, value, list(ENTRIES))

    assert not found("PASSWORD", "12")
    assert not found("API_TOKEN", "3600")
    assert not found("TOKENS", "100000")
    assert found("PASSWORD", "123456") == "a password"
    assert found("apiToken", "12345") == "a token"


def test_a_default_inside_a_variable_counts() -> None:
    assert credentials.credential("DB_PASSWORD", "${DB_PASSWORD:-hunter2}", list(ENTRIES)) == "a password"
    assert not credentials.credential("DB_PASSWORD", "${DB_PASSWORD:-}", list(ENTRIES))
    assert not credentials.credential("DB_PASSWORD", "${file:/etc/x:key}", list(ENTRIES))


def test_the_line_is_said_where_there_are_several() -> None:
    text = "a: 1\nb:\n  password: hunter2\n"
    assert credentials.credential("app.yaml", text, list(ENTRIES)) == "a password (line 3)"
    assert (
        credentials.credential("x", "a\npostgres://u:hunter2@db/x\n", list(ENTRIES))
        == "a password in a URL (line 2)"
    )


def test_comments_have_examples_but_tokens_are_tokens() -> None:
    assert texts.find(b"# password: hunter2\n", ENTRIES) is None
    assert texts.find(b"# AKIA" + b"IOSFODNN7EXAMPLE\n", ENTRIES) == ("an AWS access key", 2)


def test_the_program_decides_what_a_short_option_is() -> None:
    assert commands.argument("/usr/bin/mysql", "-uroot", "-phunter2", ENTRIES) == "a password"
    assert not commands.argument("ssh", "host", "-p2222", ENTRIES)
    assert commands.argument("curl", "-u", "a:b1", ENTRIES) == "a password"
    assert not commands.argument("app", "-u", "1000:1000", ENTRIES)
    assert commands.argument("sh", "-c", "exec mysql -uroot -phunter2 db", ENTRIES) == "a password"


@pytest.mark.parametrize("option", ["-u", "--user"])
@pytest.mark.parametrize(
    ("login", "is_one"),
    [
        ("admin:hunter2", True),
        ("importer:Winter2024!", True),
        ("elastic:changeme", True),
        ("1000:1000", False),
        ("root:root", False),
        ("root:0", False),
        ("app:staff", False),
        ("app1:app2", False),
        ("app:group1000", False),
        ("system:node:worker1", False),
        ("$(USER):$(PASS)", False),
        ("admin:$PASSWORD", False),
        ("+%H:%M", False),
    ],
)
def test_a_login_of_a_program_that_nobody_knows_is_told_by_its_look(
    option: str, login: str, *, is_one: bool
) -> None:
    found = "a password" if is_one else ""
    assert commands.argument("loader", option, login, ENTRIES) == found
    assert commands.argument("loader", "", f"{option} {login}", ENTRIES) == found
    assert commands.argument("sh", "-c", f"exec loader {option} '{login}' run", ENTRIES) == found
    assert credentials.credential("run.sh", f"set -e\nloader {option}={login}\n", list(ENTRIES)) == (
        found and f"{found} (line 2)"
    )


def test_a_program_of_http_is_given_a_login_whatever_it_looks_like() -> None:
    assert commands.argument("curl", "-u", "admin:geheim", ENTRIES) == "a password"
    assert commands.argument("curl", "-u", "admin:123456", ENTRIES) == "a password"
    assert not commands.argument("loader", "-u", "admin:geheim", ENTRIES)


def test_the_name_of_an_access_key_is_no_secret_but_its_look_may_be_known() -> None:
    assert not credentials.credential("AWS_ACCESS_KEY_ID", "minio", list(ENTRIES))
    assert not credentials.credential("AWS_ACCESS_KEY_ID", "Q3AM3UQ867SPQQA43P2F", list(ENTRIES))
    assert credentials.credential("KEY_ID", "AKIA" + "IOSFODNN7EXAMPLE", list(ENTRIES)) == "an AWS access key"
    assert credentials.credential("S3_SECRET_ACCESS_KEY", "minio123", list(ENTRIES)) == "a key"
    assert not credentials.credential("LICENSE_KEY", "community", list(ENTRIES))
    assert credentials.credential("LICENSE_KEY", "7F3A-99B1-C0DE", list(ENTRIES)) == "a key"


def test_entries_of_a_secret_are_secrets_unless_they_cannot_be() -> None:
    assert credentials.secret("user", "shop")
    assert credentials.secret("pin", "1234")
    assert credentials.secret("config.yaml", "token: hunter2\n")
    assert credentials.secret("config.yaml", "user: shop\nid: 9f8e7d6c5b4a39281706f5e4\n")
    assert credentials.secret("blob", "first line\nsecond line!\n")
    assert credentials.secret("url", "postgres://u:hunter2@$(HOST)/x")
    assert credentials.secret("script", "mysql -phunter2 $(date)\n")
    assert credentials.secret("hook", "https://ping.example/9f8e7d6c5b4a39281706f5e4")
    assert not credentials.secret("url", "https://git.example.com/x")
    assert not credentials.secret("insecure", "true")
    assert not credentials.secret("port", "5432")
    assert not credentials.secret("grafana.ini", "[date_formats]\ndefault_timezone = UTC\n")
    assert not credentials.secret("ca", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    assert not credentials.secret("ssh", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA x")


def test_patterns_of_kubescapes_are_left_to_the_rules_and_others_are_searched_for() -> None:
    assert credentials.own_patterns(("JWT", "_key_", "^glpat-")) == ("(?i)^glpat-",)


def test_the_first_look_at_a_text_finds_what_a_search_finds() -> None:
    entries = (*credentials.ENTRIES, "licence")
    has = texts.hint(entries)
    pattern = compiled(tokens.HINT + b"|licence")
    parts = [
        "",
        *"aA-.:/@ =\n",
        "pat",
        "pw",
        "-u",
        "-p",
        "licence",
        "sk-",
        "AKIA",
        "user",
        "é",
        "Q~",
        "?sig",
        "://",
    ]
    for text in ("".join(three).encode() for three in itertools.product(parts, repeat=3)):
        assert bool(has(text)) is (pattern.search(text) is not None), text


HOSTILE = [
    "password=os.environ[x]; ", "token=$X ", "a token: string, ", "Authorization: Bearer $X token abc ",
    "http://a:$(b)@c ", "curl -u $A:$B http://x; ", "app --token $A;", "name: password value: $X ", 'password="\\',
    "password:\n", "QUFB", "password ", "-----BEGIN PRIVATE KEY-----\n", "<password> ", "sk-", "pass_", "${",
    "identified by ", "a: b\n", "x -u a:b ", "x -u a:$B; ", "'", '"', "AKIA",
]  # fmt: skip


@pytest.mark.parametrize("part", HOSTILE)
def test_long_texts_take_time_in_proportion(part: str) -> None:
    def seconds(size: int) -> float:
        text = part * (size // len(part))
        began = time.thread_time()
        credentials.credential("a.yaml", text, list(ENTRIES))
        credentials.credential_in_argument("sh", "-c", f"{text} ", list(ENTRIES))
        credentials.secret("a", text)
        return time.thread_time() - began

    seconds(2_000)
    short, long = min(seconds(5_000) for _ in range(3)), min(seconds(40_000) for _ in range(2))
    assert long < 20 * short + 0.05  # eight times the text; 64 would be a square

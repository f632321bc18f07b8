"""What the functions of the CEL library say, by examples from the documentation of each."""

from __future__ import annotations

from typing import Any

import pytest

from kscan_lsp import cel
from kscan_lsp.policy.environment import CONTROLS


def value_of(source: str, **values: Any) -> Any:
    expression = cel.compile_expression(CONTROLS, source)
    assert isinstance(expression, cel.Expression), expression
    return cel.evaluate(expression, cel.bind(CONTROLS, values))


@pytest.mark.parametrize(
    "source",
    [
        "quantity('1Gi').isGreaterThan(quantity('500Mi'))",
        "quantity('1Gi') == quantity('1024Mi')",
        "quantity('1') != quantity('1.1')",
        "quantity('200M').compareTo(quantity('0.2G')) == 0",
        "quantity('50M').compareTo(quantity('50Mi')) == -1",
        "quantity('0.5').isLessThan(quantity('501m'))",
        "quantity('1.5Gi').asInteger() == 1610612736",
        "quantity('100m').isInteger() == false",
        "quantity('100m').asApproximateFloat() == 0.1",
        "quantity('-5').sign() == -1 && quantity('0').sign() == 0 && quantity('5k').sign() == 1",
        "quantity('50k').add(quantity('20k')) == quantity('70k')",
        "quantity('50k').sub(20000) == quantity('30k')",
        "quantity('1e3') == quantity('1k') && quantity('1E3') == quantity('1000')",
        "quantity('1E') == quantity('1e18')",
        "quantity('.5') == quantity('500m') && quantity('5.') == quantity('5')",
        "quantity('0.1n') == quantity('1n')",
        "quantity('1e999') == quantity('99999E') && quantity('-1e999').isLessThan(quantity('0'))",
        "quantity('1e-999') == quantity('1n')",
        "isQuantity('100m') && isQuantity('+1') && isQuantity('12Ei') && isQuantity('1e-3')",
        "!isQuantity('') && !isQuantity('1 Gi') && !isQuantity('Gi') && !isQuantity('1gi') && !isQuantity('1e') ",
        "!isQuantity('.') && !isQuantity('1Ki ') && !isQuantity('1K') && !isQuantity('\\u0966')",
        "semver('1.2.3').isLessThan(semver('1.10.0'))",
        "semver('1.0.0-alpha.1').isLessThan(semver('1.0.0-alpha.beta'))",
        "semver('1.0.0-rc.1').compareTo(semver('1.0.0')) == -1",
        "semver('1.0.0-2').isLessThan(semver('1.0.0-11')) && semver('1.0.0-11').isLessThan(semver('1.0.0-a'))",
        "semver('1.0.0+a') == semver('1.0.0+b')",
        "semver('1.2.3').major() == 1 && semver('1.2.3').minor() == 2 && semver('1.2.3').patch() == 3",
        "semver('v01.2', true) == semver('1.2.0')",
        "isSemver('1.0.0') && !isSemver('v1.0.0') && !isSemver('1.0') && !isSemver('1.0.0-01')",
        "isSemver('v1.0', true) && !isSemver('x', true)",
        "isIP('10.0.0.1') && isIP('::1') && !isIP('10.0.0.256') && !isIP('010.0.0.1')",
        "!isIP('fe80::1%eth0') && !isIP('::ffff:1.2.3.4') && !isIP('')",
        "ip('10.0.0.1').family() == 4 && ip('::1').family() == 6",
        "ip('127.0.0.1').isLoopback() && ip('0.0.0.0').isUnspecified() && ip('169.254.1.1').isLinkLocalUnicast()",
        "ip('224.0.0.1').isLinkLocalMulticast() && ip('ff02::1').isLinkLocalMulticast()",
        "ip('10.0.0.1').isGlobalUnicast() && !ip('255.255.255.255').isGlobalUnicast()",
        "ip('::0') == ip('::') && ip.isCanonical('::1') && !ip.isCanonical('::0001')",
        "cidr('10.0.0.0/8').containsIP('10.1.2.3') && !cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))",
        "cidr('0.0.0.0/0').containsCIDR('10.0.0.0/8') && !cidr('10.0.0.0/8').containsCIDR(cidr('0.0.0.0/0'))",
        "!cidr('0.0.0.0/0').containsIP('::1')",
        "cidr('10.0.0.1/8').ip() == ip('10.0.0.1') && cidr('10.0.0.1/8').masked() == cidr('10.0.0.0/8')",
        "cidr('::/64').prefixLength() == 64",
        "isCIDR('10.0.0.0/8') && !isCIDR('10.0.0.0') && !isCIDR('10.0.0.0/33') && !isCIDR('10.0.0.0/255.0.0.0')",
        "!isCIDR('10.0.0.0/08') && !isCIDR('/8')",
        "isURL('https://example.com') && isURL('/path') && !isURL('example.com') && !isURL('../x') && !isURL('')",
        "!isURL('https://a b') && !isURL('http://[::1') && !isURL('http://a:x/')",
        "url('https://example.com:80/a/b?k=v&k=w#f').getHost() == 'example.com:80'",
        "url('https://[::1]:80/').getHostname() == '::1' && url('https://[::1]:80/').getHost() == '[::1]:80'",
        "url('https://u:p@example.com/').getHostname() == 'example.com' && url('/x').getHost() == ''",
        "url('https://e.com:80/').getPort() == '80' && url('https://e.com/').getPort() == ''",
        "url('https://e.com/with space?'.replace(' ', '%20')).getEscapedPath() == '/with%20space'",
        "url('https://e.com/?k1=a&k2=b&k2=c').getQuery() == {'k1': ['a'], 'k2': ['b', 'c']}",
        "url('HTTPS://e.com').getScheme() == 'https' && url('/x').getScheme() == ''",
        "sets.contains([1, 2, 3], [2, 3, 3]) && !sets.contains([1], [2]) && sets.contains([], [])",
        "sets.contains([1], [1.0]) && !sets.contains([1], [true]) && sets.contains([[1], {'a': 1}], [{'a': 1.0}])",
        "sets.equivalent([1, 2, 2], [2, 1]) && sets.intersects([1, 2], [2, 3]) && !sets.intersects([1], [])",
        "[1, 2, 2].isSorted() && !['b', 'a'].isSorted() && [].isSorted()",
        "[1, 2].sum() == 3 && [1, 0.5].sum() == 1.5 && [].sum() == 0",
        "[3, 1].min() == 1 && ['a', 'b'].max() == 'b'",
        "'abc 123'.find('[0-9]+') == '123' && 'abc'.find('[0-9]+') == ''",
        "'1a22b'.findAll('[0-9]+') == ['1', '22'] && '1a22b'.findAll('[0-9]+', 1) == ['1'] && 'a'.findAll('b') == []",
        "'1a2'.findAll('[0-9]', 0) == []",
        "'ab'.find('(?i)B$') == 'b' && 'aab'.find('a*?b') == 'aab' && 'é1'.find('.') == 'é'",
        "matchesAny('password', ['x', 'pass']) && !matchesAny('password', ['^word']) && !matchesAny('x', [])",
        "matchesAny('A=b', ['(?i)^a=']) && !matchesAny('b', ['(?i)A', 'B']) && matchesAny('b', ['(?i)A', 'b|c'])",
        "decodeBase64('aGk=') == 'hi' && decodeBase64('aG\\nk=') == 'hi' && decodeBase64('') == ''",
        "decodeBase64('a') == '' && decodeBase64('/w==') == '' && decodeBase64('!!!!') == ''",
        "decodeBase64('aGk') == ''",
        "encodeBase64('hi') == 'aGk=' && decodeBase64(encodeBase64('a\\nb')) == 'a\\nb'",
        "[3, 1, 2].sort() == [1, 2, 3] && ['b', 'a'].sort() == ['a', 'b'] && [].sort() == []",
        "'Ab'.lowerAscii() == 'ab' && 'a,b'.split(',') == ['a', 'b'] && ['a'].join('-') == 'a'",
        "math.greatest(1, 2) == 2",
        "'%s: %d of %.2f, %x%%'.format(['a', 2, 1.5, 255]) == 'a: 2 of 1.50, ff%' && ''.format([]) == ''",
        "'%s'.format([[1, {'a': true}]]) == '[1, {a: true}]' && '%s'.format([null]) == 'null'",
        "'abc'.matches('^a.c$') && matches('abc', 'b')",
    ],
)  # fmt: skip
def test_holds(source):
    assert value_of(source) is True


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("quantity('x')", "not a quantity"),
        ("quantity('100m').asInteger()", "the quantity is not an integer"),
        ("quantity('1').isLessThan(semver('1.0.0'))", "not a quantity"),
        ("semver('1.0.0').isLessThan(quantity('1'))", "not a semantic version"),
        ("ip('1.2.3.4').sign()", "not a quantity"),
        ("b'bytes'.family()", "not an IP address"),
        ("b'\\xff'.family()", "a function got what it cannot read"),
        ("semver('x')", "not a semantic version"),
        ("ip('x')", "not an IP address"),
        ("cidr('x')", "not a CIDR range"),
        ("url('x')", "not a URL"),
        ("[1, 'a'].min()", "only numbers, or only texts, can be ordered"),
        ("[].max()", "min() and max() need a list that is not empty"),
        ("['a'].sum()", "sum() needs a list of numbers"),
        ("[9223372036854775807, 1].sum()", "the sum is out of range"),
        ("quantity(item)", "wrong types: quantity(int64)"),
        ("selects(item, {})", "wrong types: selects(int64, map)"),
        ("matchesAny('a', item)", "wrong types: matchesAny(string, int64)"),
        ("sets.contains(item, [1])", "wrong types: sets.contains(int64, list)"),
    ],
)
def test_fails(source, reason):
    assert value_of(source, item=5) == cel.Failed(reason)


def test_wrong_patterns_fail_and_never_match():
    for patterns in (["("], ["a", "**"], ["a" * 5_000], ["(((a{100}){100}){100})"], [1]):
        assert isinstance(value_of("matchesAny('a', item)", item=patterns), cel.Failed)


def test_patterns_of_settings_are_checked():
    assert cel.check_patterns([]) == ""
    assert cel.check_patterns(["a", "(?i)b+", r"\bx\b", r"\pL"]) == ""
    assert cel.check_patterns(["a", "(hunter2"]) == "not a regular expression (missing ))"
    assert cel.check_patterns(["(?=a)"])
    assert cel.check_patterns(["\ud800"])
    assert cel.check_patterns(["a" * 5_000])
    assert cel.check_patterns(["[a-z]{500}"] * 200)


@pytest.mark.parametrize(
    ("image", "registry", "repository", "tag", "digest"),
    [
        ("nginx", "docker.io", "library/nginx", "", ""),
        ("nginx:1.25", "docker.io", "library/nginx", "1.25", ""),
        ("bitnami/redis", "docker.io", "bitnami/redis", "", ""),
        ("docker.io/nginx", "docker.io", "library/nginx", "", ""),
        ("index.docker.io/library/nginx", "docker.io", "library/nginx", "", ""),
        ("localhost/app:dev", "localhost", "app", "dev", ""),
        ("localhost:5000/app", "localhost:5000", "app", "", ""),
        ("registry:5000/team/app:1", "registry:5000", "team/app", "1", ""),
        ("ghcr.io/a/b/c@sha256:abc", "ghcr.io", "a/b/c", "", "sha256:abc"),
        ("ghcr.io/a/b:v1@sha256:abc", "ghcr.io", "a/b", "v1", "sha256:abc"),
        ("Registry/app", "Registry", "app", "", ""),
        ("", "docker.io", "", "", ""),
    ],
)
def test_image_references(image, registry, repository, tag, digest):
    found = value_of("imageRef(item)", item=image)
    name = f"{registry}/{repository}" if repository else ""
    assert found == {
        "registry": registry,
        "repository": repository,
        "name": name,
        "tag": tag,
        "digest": digest,
    }


LABELS = {"app": "api", "tier": "backend"}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ({}, True),
        ({"matchLabels": {}}, True),
        ({"matchLabels": {"app": "api"}}, True),
        ({"matchLabels": {"app": "web"}}, False),
        ({"matchLabels": {"zone": "a"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "web"]}]}, True),
        ({"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["api"]}]}, False),
        ({"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
        ({"matchLabels": {"app": "api"}, "matchExpressions": [{"key": "zone", "operator": "Exists"}]}, False),
        ({"app": "api"}, None),
        ({"matchLabels": {"app": 1}}, None),
        ({"matchLabels": []}, None),
        ({"matchExpressions": [{"key": "app", "operator": "in"}]}, None),
        ({"matchExpressions": [{"operator": "Exists"}]}, None),
        (
            {"matchExpressions": [{"key": "zone", "operator": "Exists"}, {"key": "app", "operator": "?"}]},
            None,
        ),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": "api"}]}, None),
    ],
)
def test_label_selectors(selector, selected):
    found = value_of("selects(item, object)", item=selector, object=LABELS)
    if selected is None:
        assert isinstance(found, cel.Failed)
        assert found.reason.startswith("not a label selector: ")
    else:
        assert found is selected


RULE = {"apiGroups": ["", "apps"], "resources": ["pods", "*/log", "secrets", "*"], "verbs": ["get"]}


@pytest.mark.parametrize(
    ("rule", "asked", "found"),
    [
        (RULE, "[''], ['secrets'], ['get', 'list']", [2, 3]),
        (RULE, "['', 'batch'], ['pods/log'], ['get']", [1, 3]),
        (RULE, "['apps'], [], ['get']", [3]),
        (RULE, "[''], ['secrets'], ['list']", []),
        (RULE, "['batch'], ['secrets'], ['get']", []),
        ({**RULE, "apiGroups": ["*"], "verbs": ["*"]}, "['batch'], ['jobs'], ['create']", [3]),
        ({**RULE, "resources": ["pods/log", "pods/*"]}, "[''], ['pods'], ['get']", []),
        ({"nonResourceURLs": ["*"], "verbs": ["*"]}, "[''], ['pods'], ['get']", []),
        ({}, "[''], ['pods'], ['get']", []),
        ([RULE, {}, {**RULE, "verbs": ["list"]}], "[''], ['secrets'], ['get', 'list']", [0, 2]),
        ({**RULE, "verbs": "get"}, "[''], ['pods'], ['get']", None),
        ({**RULE, "resourceNames": "one"}, "[''], ['pods'], ['get']", None),
        ([RULE, "get"], "[''], ['pods'], ['get']", None),
        ({**RULE, "resources": {"pods": True}}, "[''], ['pods'], ['get']", None),
    ],
)
def test_what_a_rule_or_a_role_grants(rule, asked, found):
    given = value_of(f"granted(item, {asked})", item=rule)
    if found is None:
        assert isinstance(given, cel.Failed)
        assert given.reason.startswith("not an RBAC rule: ")
    else:
        assert given == found


def test_what_a_rule_adds_to_a_role_that_every_cluster_has():
    ref = {"kind": "ClusterRole", "namespace": "", "name": "view", "builtin": True}
    asked = "[''], ['secrets', 'pods/log'], ['get']"
    assert value_of(f"addedToBuiltin(item, object.ref, {asked})", item=RULE, object={"ref": ref}) == [1, 2, 3]
    assert value_of(f"builtinGrants(object.ref, {asked})", object={"ref": ref}) is True
    assert value_of("builtinGrants(object.ref, [''], ['secrets'], ['get'])", object={"ref": ref}) is False


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("'%d'.format(object.texts)", "format() cannot write a value as its clause says"),
        ("'%f'.format(object.texts)", "format() cannot write a value as its clause says"),
        ("'%q'.format([1])", "format() has a clause that there is none of"),
        ("'%.1001f'.format([1.0])", "format() takes a precision of 1,000 at most"),
        ("'a%'.format([1])", "format() ends within a clause"),
        ("'%s'.format(object.map)", "wrong types: (string).format(map)"),
        ("object.bomb.format([1.0])", "too much work for an object of this size"),
        ("object.many.map(a, '%.999f'.format([1.0])).size()", "too much work for an object of this size"),
    ],
)
def test_a_format_that_does_not_fit_says_why_and_never_what(source, reason):
    given = {
        "texts": ["hunter2"],
        "map": {"a": "b"},
        "number": 7,
        "bomb": "%.999f" * 5_000,
        "many": ["x"] * 9_000,
    }
    found = value_of(source, object=given)
    assert isinstance(found, cel.Failed)
    assert found.reason == reason

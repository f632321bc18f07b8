"""What Kubescape gives to every rule besides its own text, written anew in Rego: `data.cautils`, and names of images.

Functions that have no value for some arguments in OPA, and end a rule here, have a stand-in that has none, either.

Source of what the functions give: resources of kubescape/opa-utils, and distribution/reference for the names.
"""

from __future__ import annotations

from typing import Final

CAUTILS: Final = """package cautils

list_contains(list, wanted) {
  list[_] == wanted
}

getPodName(metadata) = name {
  name := metadata.name
}

object_intersection(one, other) = same {
  same := {key: value | value := other[key]; one[key] == value}
}

is_subobject(part, whole) {
  object_intersection(part, whole) == part
}

_bit(mode, value) {
  floor(mode / value) % 2 == 1
}

_bits := [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]

unix_permissions_allow(allowed, actual) {
  more := [bit | bit := _bits[_]; _bit(actual, bit); not _bit(allowed, bit)]
  count(more) == 0
}

_may(mode, value) = true {
  _bit(mode, value)
}

_may(mode, value) = false {
  not _bit(mode, value)
}

_rights(mode, value) = {"read": _may(mode, value * 4), "write": _may(mode, value * 2), "exec": _may(mode, value)}

unix_permission(mode) = {"user": _rights(mode, 64), "group": _rights(mode, 8), "everyone": _rights(mode, 1)}
"""

IMAGE: Final = """package kscan_image

_has_host(name) {
  contains(name, "/")
  first := split(name, "/")[0]
  _is_host(first)
}

_is_host(first) {
  contains(first, ".")
}

_is_host(first) {
  contains(first, ":")
}

_is_host("localhost") = true

_is_host(first) {
  lower(first) != first
}

_parts(name) = ["docker.io", name] {
  not _has_host(name)
}

_parts(name) = [host, rest] {
  _has_host(name)
  first := split(name, "/")[0]
  rest := substring(name, count(first) + 1, -1)
  host := _host(first)
}

_host("index.docker.io") = "docker.io"

_host(first) = first {
  first != "index.docker.io"
}

_path(host, rest) = path {
  host == "docker.io"
  not contains(rest, "/")
  path := concat("/", ["library", rest])
}

_path(host, rest) = rest {
  host != "docker.io"
}

_path(host, rest) = rest {
  contains(rest, "/")
}

parse_normalized_name(name) = full {
  [host, rest] := _parts(name)
  repository := split(split(rest, "@")[0], ":")[0]
  repository != ""
  lower(repository) == repository
  full := concat("/", [host, _path(host, rest)])
}
"""

SAFE: Final = """package kscan_safe

size(many) = n {
  is_array(many)
  n := count(many)
}

size(many) = n {
  is_object(many)
  n := count(many)
}

size(many) = n {
  is_set(many)
  n := count(many)
}

size(many) = n {
  is_string(many)
  n := count(many)
}

decode(text) = found {
  is_string(text)
  base64.is_valid(text)
  found := base64.decode(text)
}

unmarshal_json(text) = found {
  is_string(text)
  json.is_valid(text)
  found := json.unmarshal(text)
}

unmarshal_yaml(text) = found {
  is_string(text)
  yaml.is_valid(text)
  found := yaml.unmarshal(text)
}

compare(one, other) = found {
  semver.is_valid(one)
  semver.is_valid(other)
  found := semver.compare(one, other)
}
"""

REPLACED: Final = {
    "image.parse_normalized_name": ("data.kscan_image.parse_normalized_name", IMAGE),
    "count": ("data.kscan_safe.size", SAFE),
    "base64.decode": ("data.kscan_safe.decode", SAFE),
    "json.unmarshal": ("data.kscan_safe.unmarshal_json", SAFE),
    "yaml.unmarshal": ("data.kscan_safe.unmarshal_yaml", SAFE),
    "semver.compare": ("data.kscan_safe.compare", SAFE),
}
"""What stands in for a function, and the module that it is in."""

HELPERS: Final = {"cautils": CAUTILS}
"""By the name below `data`."""

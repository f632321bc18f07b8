"""In the editor, a namespace is judged again when something comes to it in another file."""

from __future__ import annotations

import pytest

CONTROL = """\
id: ORG-0001
title: Quota
severity: medium
description: d
remediation: r
checks:
- each: namespace
  relations: {quotas: "namespace:ResourceQuota"}
  deny: quotas.size() == 0
  message: no quota for {objectName}
"""
THING = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n"
QUOTA = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q, namespace: NS}\n"


@pytest.mark.asyncio
async def test_a_quota_in_another_file_counts_at_once(editor, tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/control.yaml").write_text(CONTROL)
    settings = "policies: [policies]\nframeworks: []\ncontrols: {include: [ORG-0001]}\n"
    (tmp_path / ".kscan.yaml").write_text(settings)
    (tmp_path / "a.yaml").write_text(THING)
    (tmp_path / "q.yaml").write_text(QUOTA.replace("NS", "other"))
    await editor.start(tmp_path)
    thing, quota = ((tmp_path / name).as_uri() for name in ("a.yaml", "q.yaml"))
    editor.open(thing, THING)
    await editor.until(
        thing, lambda newest: [one.message for one in newest.diagnostics] == ["no quota for shop"]
    )
    editor.open(quota, QUOTA.replace("NS", "shop"))
    await editor.until(thing, lambda newest: not newest.diagnostics)

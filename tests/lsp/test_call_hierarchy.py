"""Who can get at what, step by step: over accounts, bindings and roles, as far as each holds."""

from __future__ import annotations

import pytest
from lsprotocol import types
from support.positions import covered, position
from support.views import never, settings, view_of

from kscan_lsp.lsp.capabilities import Capabilities
from kscan_lsp.lsp.features.call_hierarchy import incoming, outgoing, prepare
from kscan_lsp.lsp.session.snapshot import ProjectsSnapshot

RBAC = "rbac.authorization.k8s.io/v1"
APP = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: shop, namespace: store}}
spec:
  template:
    metadata: {{labels: {{app: shop}}}}
    spec:
      serviceAccountName: runner
      containers:
      - {{name: shop, image: 'shop:1', envFrom: [{{secretRef: {{name: used}}}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: nobody, namespace: store}}
spec: {{serviceAccountName: unknown, containers: [{{name: a, image: 'a:1'}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: front, namespace: store}}
spec: {{selector: {{app: shop}}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: way, namespace: store}}
spec: {{defaultBackend: {{service: {{name: front}}}}}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: runner, namespace: store}}
---
apiVersion: {RBAC}
kind: RoleBinding
metadata: {{name: may, namespace: store}}
roleRef: {{kind: Role, name: reader}}
subjects: [{{kind: ServiceAccount, name: runner}}, {{kind: ServiceAccount, name: unknown}}]
---
apiVersion: {RBAC}
kind: RoleBinding
metadata: {{name: here, namespace: store}}
roleRef: {{kind: ClusterRole, name: all}}
subjects: [{{kind: Group, name: 'system:serviceaccounts:store'}}]
---
apiVersion: {RBAC}
kind: ClusterRoleBinding
metadata: {{name: admins}}
roleRef: {{kind: ClusterRole, name: cluster-admin}}
subjects: [{{kind: ServiceAccount, name: boss, namespace: other}}]
---
apiVersion: {RBAC}
kind: Role
metadata: {{name: reader, namespace: store}}
rules:
- {{apiGroups: [''], resources: [pods], verbs: ['*']}}
- {{apiGroups: [''], resources: [secrets], resourceNames: [named], verbs: [get]}}
---
apiVersion: {RBAC}
kind: ClusterRole
metadata: {{name: all}}
aggregationRule: {{clusterRoleSelectors: [{{matchLabels: {{to: all}}}}]}}
rules: []
---
apiVersion: {RBAC}
kind: ClusterRole
metadata: {{name: part, labels: {{to: all}}}}
rules: [{{apiGroups: [''], resources: [secrets], verbs: [list]}}]
"""
SECRETS = """\
apiVersion: v1
kind: Secret
metadata: {name: named, namespace: store}
---
apiVersion: v1
kind: Secret
metadata: {name: used, namespace: store}
---
apiVersion: v1
kind: Secret
metadata: {name: far, namespace: other}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: boss, namespace: other}
imagePullSecrets: [{name: far}]
"""


@pytest.fixture(params=["C-0057", "all"])
def view(request):
    controls = {"include": ["C-0057"]}
    few = request.param != "all"
    chosen = settings(frameworks=[], controls=controls) if few else settings(frameworks=["allcontrols"])
    return view_of(APP, "app.yaml", configuration=chosen, others={"secrets.yaml": SECRETS})


def item(view, name):
    """The start of a hierarchy: the object of a name in the file."""
    (found,) = prepare(view, position(APP, APP.index(f"name: {name}") + len("name: x"), "utf-16"))
    return found


def all_folders(view):
    return ProjectsSnapshot((view.project,), {view.key: view.uri}, Capabilities())


def down(view, start):
    return {one.to.name: one for one in outgoing(all_folders(view), start, never)}


def up(view, start):
    return {one.from_.name: one for one in incoming(all_folders(view), start, never)}


def test_from_a_workload_to_the_secrets_that_it_may_read(view):
    ways = down(view, item(view, "shop, namespace"))
    assert ways.keys() == {"ServiceAccount runner", "Secret used"}
    assert covered(APP, ways["ServiceAccount runner"].from_ranges[0], "utf-16") == "runner"
    bindings = down(view, ways["ServiceAccount runner"].to)
    assert bindings.keys() == {"RoleBinding may", "RoleBinding here"}
    (role,) = down(view, bindings["RoleBinding may"].to).values()
    assert (role.to.name, role.to.detail) == ("Role reader", "store")
    assert covered(APP, role.from_ranges[0], "utf-16") == "reader"
    (secret,) = down(view, role.to).values()
    assert (secret.to.name, secret.to.uri) == ("Secret named", "file:///shop/secrets.yaml")
    assert covered(APP, secret.from_ranges[0], "utf-16") == "named"
    (role,) = down(view, bindings["RoleBinding here"].to).values()
    assert (role.to.name, role.to.detail) == ("ClusterRole all", "in store")
    assert down(view, role.to).keys() == {"Secret named", "Secret used"}


def test_from_a_secret_to_all_who_get_at_it(view):
    ways = down(view, item(view, "shop, namespace"))
    readers = up(view, ways["Secret used"].to)
    assert readers.keys() == {
        "Deployment shop",
        "ClusterRole all",
        "ClusterRole part",
        "ClusterRoleBinding admins",
    }
    assert covered(APP, readers["ClusterRoleBinding admins"].from_ranges[0], "utf-16") == "cluster-admin"
    (binding,) = up(view, readers["ClusterRole all"].from_).values()
    assert binding.from_.name == "RoleBinding here"
    (account,) = up(view, binding.from_).values()
    assert account.from_.name == "ServiceAccount runner"
    (workload,) = up(view, account.from_).values()
    assert workload.from_.name == "Deployment shop"
    (service,) = up(view, workload.from_).values()
    (ingress,) = up(view, service.from_).values()
    assert (service.from_.name, ingress.from_.name) == ("Service front", "Ingress way")
    assert up(view, ingress.from_) == {}


def test_an_account_that_no_file_declares_is_passed_over(view):
    assert down(view, item(view, "nobody")).keys() == {"RoleBinding may", "RoleBinding here"}
    binding = up(view, item(view, "reader, namespace"))["RoleBinding may"].from_
    assert up(view, binding).keys() == {"ServiceAccount runner", "Pod nobody"}


def test_a_built_in_role_is_passed_over(view):
    secrets = down(view, item(view, "admins"))
    assert secrets.keys() == {"Secret named", "Secret used", "Secret far"}
    far = up(view, secrets["Secret far"].to)
    assert far.keys() == {"ServiceAccount boss", "ClusterRoleBinding admins"}
    assert up(view, far["ClusterRoleBinding admins"].from_).keys() == {"ServiceAccount boss"}
    assert down(view, far["ServiceAccount boss"].from_).keys() == {"ClusterRoleBinding admins", "Secret far"}


def test_the_services_before_a_workload(view):
    assert down(view, item(view, "way")).keys() == {"Service front"}
    assert down(view, item(view, "front, namespace")).keys() == {"Deployment shop"}


def test_a_name_starts_at_what_it_means(view):
    place = position(APP, APP.index("runner"), "utf-16")
    (found,) = prepare(view, place)
    assert (found.name, covered(APP, found.selection_range, "utf-16")) == ("ServiceAccount runner", "runner")
    assert covered(APP, found.range, "utf-16").startswith("apiVersion: v1\nkind: ServiceAccount")


def test_what_is_gone_leads_nowhere(view):
    found = item(view, "front, namespace")
    for data in (None, {}, {"is": 1}, {"file": view.key, "is": ["Service", "store", "gone"]}):
        found.data = data
        assert incoming(all_folders(view), found, never) == []
        assert outgoing(all_folders(view), found, never) == []
    assert prepare(view_of("a: 1\n"), types.Position(0, 0)) == []


@pytest.mark.asyncio
@pytest.mark.parametrize("able", [True, False])
async def test_a_hierarchy_over_the_wire(editor, tmp_path, able):
    (tmp_path / "secrets.yaml").write_text(SECRETS, encoding="utf-8")
    capabilities = await editor.start(tmp_path, navigation=able)
    assert bool(capabilities.call_hierarchy_provider) == able
    if able:
        uri = (tmp_path / "app.yaml").as_uri()
        editor.open(uri, APP)
        place = position(APP, APP.index("name: admins"), "utf-16")
        asked = types.CallHierarchyPrepareParams(types.TextDocumentIdentifier(uri), place)
        (start,) = await editor.text_document_prepare_call_hierarchy_async(asked)
        ways = await editor.call_hierarchy_outgoing_calls_async(types.CallHierarchyOutgoingCallsParams(start))
        far = next(one.to for one in ways if one.to.name == "Secret far")
        back = await editor.call_hierarchy_incoming_calls_async(types.CallHierarchyIncomingCallsParams(far))
        assert {one.from_.name for one in back} == {"ServiceAccount boss", "ClusterRoleBinding admins"}

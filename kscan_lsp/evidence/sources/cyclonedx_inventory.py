"""CycloneDX documents that list packages and no vulnerabilities, as Syft and Trivy write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kscan_lsp.evidence.inventory import Inventory, package_of, system_of
from kscan_lsp.evidence.sources.common import NOT_LOOKED, Contents, day_of, refuse_too_many
from kscan_lsp.evidence.sources.cyclonedx_document import CdxMetadata, components_in, subject_of

if TYPE_CHECKING:
    from kscan_lsp.evidence.inventory import Package
    from kscan_lsp.evidence.sources.cyclonedx_document import CdxBom, CdxComponent


def inventory_of(bom: CdxBom) -> Contents:
    """The packages of the image that a document is about."""
    meta = bom.metadata or CdxMetadata()
    if meta.component is None or meta.component.type != "container":
        return Contents(note=NOT_LOOKED)
    components = components_in(bom)
    refuse_too_many(len(components))
    about = subject_of(meta.component)
    systems = (system_of(*_release(one)) for one in components if one.type == "operating-system")
    found = Inventory(
        about.names,
        about.digests,
        tuple([package for one in components if (package := _package(one))]),
        next(filter(None, systems), None),
        about.pinned,
        day_of(meta.timestamp),
    )
    return Contents(note=NOT_LOOKED, inventories=(found,))


def _said(component: CdxComponent) -> dict[str, str]:
    return {one.name: one.value for one in component.properties or () if one.name and one.value}


def _release(component: CdxComponent) -> tuple[str, str, str | None]:
    said = _said(component)
    return (
        said.get("syft:distro:id", component.name),
        said.get("syft:distro:versionID", component.version or ""),
        said.get("syft:distro:versionCodename"),
    )


def _package(component: CdxComponent) -> Package | None:
    if not component.purl:
        return None
    said = _said(component)
    trivy, syft = "aquasecurity:trivy:Src", "syft:metadata:"
    version = said.get(f"{trivy}Version", "")
    if release := said.get(f"{trivy}Release"):
        version = f"{version}-{release}"
    if (epoch := said.get(f"{trivy}Epoch")) and epoch != "0":
        version = f"{epoch}:{version}"
    return package_of(
        component.purl,
        upstreams=(
            (said.get(f"{trivy}Name"), version),
            (said.get(f"{syft}source"), said.get(f"{syft}sourceVersion")),
            (said.get(f"{syft}originPackage"), None),
        ),
        source_rpm=said.get(f"{syft}sourceRpm"),
        module=said.get(f"{syft}modularityLabel", said.get("aquasecurity:trivy:Modularitylabel")),
    )

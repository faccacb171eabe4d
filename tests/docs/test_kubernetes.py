"""The manifests of docs/scale/ against the schemas of Kubernetes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

MANIFESTS = Path(__file__).parents[2] / "docs/scale/kubernetes.yaml"
RESOURCES: list[dict[str, Any]] = list(YAML(typ="safe").load_all(MANIFESTS.read_text()))


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: f"{each['kind']}")
def test_a_manifest_is_valid(resource: dict[str, Any]) -> None:
    kubernetes_validate.validate(resource, kubernetes_validate.latest_version(), strict=True)


def test_a_member_that_there_is_not_is_refused() -> None:
    wrong = {**RESOURCES[0], "sepc": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


def test_all_pods_run_one_image_and_only_they_reach_the_scheduler() -> None:
    pods = [each["spec"]["template"] for each in RESOURCES if "template" in each["spec"]]
    images = {box["image"] for pod in pods for box in pod["spec"]["containers"]}
    assert len(pods) == 3
    assert len(images) == 1
    (policy,) = [each["spec"] for each in RESOURCES if each["kind"] == "NetworkPolicy"]
    (allowed,) = policy["ingress"][0]["from"]
    labels = allowed["podSelector"]["matchLabels"].items()
    assert all(labels <= pod["metadata"]["labels"].items() for pod in pods)

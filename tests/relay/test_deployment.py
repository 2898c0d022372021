"""The deployment files of the relay, checked against the API schemas and the variables the relay reads."""

from __future__ import annotations

import re
from collections import UserDict
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from mydia.relay import RelayConfig
from mydia.web.relay import settings_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes" / "relay"
MANIFESTS = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "kustomization.yaml")
# Read by the image's entry point or the container runtime, not by the relay.
_OTHERS = {"PUID", "PGID", "UMASK", "TZ"}


class Noted(UserDict[str, str]):
    """An environment that records which variables are read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.read.add(key)
        return super().get(key, default)


def _read_by_the_relay() -> set[str]:
    environ = Noted()
    RelayConfig.from_environ(environ)
    settings_of(environ)
    return environ.read


def _manifest(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((FOLDER / name).read_text()))


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_every_manifest_matches_the_api_schema(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text()):
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_the_deployment_is_complete() -> None:
    kinds = {document["kind"] for path in MANIFESTS for document in yaml.safe_load_all(path.read_text())}
    assert kinds == {"Namespace", "ConfigMap", "Secret", "PersistentVolumeClaim", "Deployment", "Service", "Ingress"}
    listed = set(_manifest("kustomization.yaml")["resources"])
    assert listed == {path.name.replace("secret.example", "secret") for path in MANIFESTS}


def test_the_manifests_are_consistent() -> None:
    pod = _manifest("deployment.yaml")["spec"]["template"]
    container = pod["spec"]["containers"][0]
    assert _manifest("service.yaml")["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert _manifest("deployment.yaml")["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert str(container["ports"][0]["containerPort"]) == _manifest("configmap.yaml")["data"]["PORT"]
    assert (
        pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"]
        == _manifest("volumeclaim.yaml")["metadata"]["name"]
    )
    assert container["volumeMounts"][0]["mountPath"] == _manifest("configmap.yaml")["data"]["DATA_DIR"]
    references = {one[key]["name"] for one in container["envFrom"] for key in one}
    assert references == {
        _manifest("configmap.yaml")["metadata"]["name"],
        _manifest("secret.example.yaml")["metadata"]["name"],
    }
    backend = _manifest("ingress.yaml")["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend["name"] == _manifest("service.yaml")["metadata"]["name"]
    assert {path.name: _manifest(path.name)["metadata"].get("namespace", "mydia-relay") for path in MANIFESTS} == {
        path.name: "mydia-relay" for path in MANIFESTS
    }


def test_the_secret_example_holds_no_secret() -> None:
    assert set(_manifest("secret.example.yaml")["stringData"].values()) == {""}


def test_every_variable_that_is_set_is_read() -> None:
    compose = yaml.safe_load((ROOT / "deploy" / "relay-compose.yml").read_text())
    given = set(compose["services"]["relay"]["environment"])
    given |= set(_manifest("configmap.yaml")["data"]) | set(_manifest("secret.example.yaml")["stringData"])
    assert given - _OTHERS <= _read_by_the_relay()


def test_the_guide_lists_exactly_the_variables() -> None:
    _, _, guide = (ROOT / "docs" / "guide" / "relay.md").read_text().partition("configured by environment variables")
    table = set(re.findall(r"^\| `([A-Z_0-9]+)`", guide, flags=re.MULTILINE))
    assert table == _read_by_the_relay()


def test_the_compose_file_gives_redis_the_password_that_the_relay_uses() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "relay-compose.yml").read_text())["services"]
    assert "${REDIS_PASSWORD:?" in services["relay"]["environment"]["REDIS_URL"]
    assert any("${REDIS_PASSWORD:?" in part for part in services["redis"]["command"])
    assert services["relay"]["ports"] == [
        f"{services['relay']['environment']['PORT']}:{services['relay']['environment']['PORT']}"
    ]

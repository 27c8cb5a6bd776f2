"""What is shipped to run the desk: the units, the image and the compose files say what they must, and name what is there."""

from __future__ import annotations

import ast
import fnmatch
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.command_errors import EXIT_RUNNING, EXIT_SETTINGS
from bot.lifecycle import DRAIN_S, FLUSH_S
from config.settings import NOT_SETTINGS, Settings

ROOT = Path(__file__).resolve().parents[2]
SYSTEMD, CONTAINER = ROOT / "deploy" / "systemd", ROOT / "deploy" / "container"
LONGEST_STOP_S = 2 * DRAIN_S + FLUSH_S
STRICT = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectControlGroups": "yes",
    "RestrictNamespaces": "yes",
    "MemoryDenyWriteExecute": "yes",
    "CapabilityBoundingSet": "",
    "UMask": "0077",
    "User": "sortie",
}
UNITS = pytest.mark.parametrize("name", ["sortie.service", "sortie-halt.service"])


def directives(text: str) -> dict[str, list[str]]:
    """Read a unit's directives, each with all its values."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if "=" in line and not line.startswith(("#", ";", "[")):
            key, _, value = line.partition("=")
            found.setdefault(key.strip(), []).append(value.strip())
    return found


def unit(name: str) -> dict[str, list[str]]:
    return directives((SYSTEMD / name).read_text(encoding="utf-8"))


def lax(found: dict[str, list[str]]) -> list[str]:
    return [key for key, wanted in STRICT.items() if found.get(key, [None])[-1] != wanted]


def seconds(text: str) -> int:
    return int(re.fullmatch(r"(\d+)s?", text)[1])  # type: ignore[index]


def stages(text: str) -> list[list[tuple[str, str]]]:
    """Read a Containerfile's instructions, by stage; what stands before the first FROM is the first list."""
    found: list[list[tuple[str, str]]] = [[]]
    for line in re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", text)).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            found.append([])
        if word:
            found[-1].append((word, rest.strip()))
    return found


CONTAINERFILE = (CONTAINER / "Containerfile").read_text(encoding="utf-8")
COPIED = [
    source
    for stage in stages(CONTAINERFILE)
    for word, rest in stage
    if word == "COPY" and "--from" not in rest
    for source in rest.split()[:-1]
]


@UNITS
def test_a_unit_can_do_no_more_than_the_desk_needs(name: str) -> None:
    assert lax(unit(name)) == []


@pytest.mark.parametrize("key", sorted(STRICT))
def test_a_unit_that_lacks_a_restriction_is_seen(key: str) -> None:
    text = (SYSTEMD / "sortie.service").read_text(encoding="utf-8")

    assert lax(directives(re.sub(rf"(?m)^{key}=.*\n", "", text))) == [key]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
@UNITS
def test_systemd_itself_rates_the_exposure_low(name: str) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(SYSTEMD / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_what_does_not_get_better_by_trying_again_is_not_tried_again() -> None:
    found = unit("sortie.service")

    assert {int(code) for code in found["RestartPreventExitStatus"][0].split()} == {EXIT_SETTINGS, EXIT_RUNNING}
    assert found["Restart"] == ["on-failure"]


def test_a_stop_has_the_time_that_the_desk_takes() -> None:
    compose = yaml.safe_load((CONTAINER / "compose.yaml").read_text(encoding="utf-8"))

    assert seconds(unit("sortie.service")["TimeoutStopSec"][0]) >= 2 * LONGEST_STOP_S
    assert seconds(compose["services"]["desk"]["stop_grace_period"]) >= 2 * LONGEST_STOP_S


def test_every_setting_that_is_named_exists_and_none_carries_a_secret() -> None:
    texts = [file.read_text(encoding="utf-8") for folder in (SYSTEMD, CONTAINER) for file in folder.iterdir()]
    named = set(re.findall(r"SORTIE_[A-Z_]+", "\n".join(texts))) - set(NOT_SETTINGS)

    assert len(named) >= 4
    for name in named:
        group, _, key = name.removeprefix("SORTIE_").lower().partition("__")
        kind: Any = Settings.model_fields[group].annotation
        assert key in kind.model_fields, name
        assert key not in ("token", "webhook_secret", "key"), name


def test_the_shell_for_people_on_call_is_one() -> None:
    assert subprocess.run(["sh", "-n", str(SYSTEMD / "sortie-shell")], check=False, timeout=60).returncode == 0
    assert (SYSTEMD / "sortie-shell").stat().st_mode & 0o111


def test_the_image_is_built_from_what_is_there_and_gets_no_more() -> None:
    ignored = (CONTAINER / "Containerfile.dockerignore").read_text(encoding="utf-8").split("\n")
    let_in = [line[1:] for line in ignored if line.startswith("!")]

    assert [source for source in COPIED if not (ROOT / source).exists()] == []
    assert "*" in ignored
    assert [source for source in COPIED if not any(fnmatch.fnmatch(source, each) for each in let_in)] == []
    assert sorted(let_in) == sorted(set(COPIED))


def test_nothing_in_the_image_imports_what_is_left_out_of_it() -> None:
    ours = {each.name for each in ROOT.iterdir() if (each / "__init__.py").exists()}
    needed: dict[str, str] = {}
    for folder in (ROOT / source for source in COPIED if (ROOT / source).is_dir()):
        for file in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
                needed |= {name.partition(".")[0]: str(file) for name in names}

    assert {name: file for name, file in needed.items() if name in ours - set(COPIED)} == {}
    assert {"bot", "services"} <= needed.keys() & ours


def test_the_image_runs_as_nobody_in_particular_and_hears_its_signals() -> None:
    first, *_, last = stages(CONTAINERFILE)
    words = dict(last)

    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", words["USER"])
    assert words["ENTRYPOINT"].startswith("[")
    assert words["STOPSIGNAL"] == "SIGTERM"
    assert "status" in words["HEALTHCHECK"]
    assert "VOLUME" in words
    assert all("latest" not in rest for _, rest in first)
    assert all(word != "ADD" for stage in stages(CONTAINERFILE) for word, _ in stage)
    assert all("rm -rf /var/lib/apt/lists" in rest for _, rest in last if "apt-get" in rest)
    assert [word for word, _ in last].index("USER") < [word for word, _ in last].index("ENTRYPOINT")


def test_compose_keeps_secrets_in_files_and_logs_within_limits() -> None:
    plain, overlay = (
        yaml.safe_load((CONTAINER / name).read_text(encoding="utf-8")) for name in ("compose.yaml", "compose.postgres.yaml")
    )
    desk, files = plain["services"]["desk"], plain["secrets"] | overlay["secrets"]
    services = [desk, overlay["services"]["desk"], overlay["services"]["postgres"]]

    assert (desk["read_only"], desk["cap_drop"], desk["restart"]) == (True, ["ALL"], "unless-stopped")
    assert "no-new-privileges:true" in desk["security_opt"]
    for service in (desk, overlay["services"]["postgres"]):
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    for service in services:
        assert not [key for key in service["environment"] if key.endswith(("PASSWORD", "TOKEN", "SECRET"))]
        assert set(service["secrets"]) <= files.keys()
    assert all(set(secret) == {"file"} for secret in files.values())

"""Workflows on the code host: pinned actions, no rights that a job does not need, and nothing untested is published."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HOST = ROOT / ".github"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
if not HOST.is_dir():
    pytest.skip("an sdist has no workflows", allow_module_level=True)

SCHEMAS = {
    "workflows/*.yml": "github-workflows",
    "dependabot.yml": "dependabot",
    "ISSUE_TEMPLATE/[!c]*.yml": "github-issue-forms",
    "ISSUE_TEMPLATE/config.yml": "github-issue-config",
}


@pytest.fixture(scope="module")
def workflows() -> dict[str, Any]:
    """The workflows, parsed."""
    yaml = pytest.importorskip("ruamel.yaml", reason="comes with the extra `packages`").YAML(typ="safe", pure=True)
    return {path.name: yaml.load(path) for path in sorted((HOST / "workflows").glob("*.yml"))}


def text_of(name: str) -> str:
    """A workflow as text."""
    return (HOST / "workflows" / name).read_text(encoding="utf-8")


def steps_of(workflow: Any) -> list[dict[str, Any]]:
    """All steps of all jobs."""
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_every_action_is_pinned_to_a_commit_and_says_its_version() -> None:
    used = [
        line.strip()
        for path in (HOST / "workflows").glob("*.yml")
        for line in path.read_text().splitlines()
        if "uses:" in line
    ]
    assert used != []
    assert [
        line for line in used if not re.fullmatch(r"(- )?uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*", line)
    ] == []


def test_no_job_has_rights_that_it_is_not_given(workflows: dict[str, Any]) -> None:
    allowed = {
        "sdist": {"contents": "read"},
        "provenance": {"attestations": "write", "id-token": "write"},
        "publish": {"id-token": "write"},
    }
    assert [name for name, workflow in workflows.items() if workflow["permissions"] != {}] == []
    for name in ("ci.yml", "release.yml"):
        for job, content in workflows[name]["jobs"].items():
            assert content["permissions"] == allowed.get(job, {"contents": "read"}), job
            assert content["timeout-minutes"] <= 90, job
    for workflow in workflows.values():
        for step in steps_of(workflow):
            if "actions/checkout@" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False


def test_nobody_s_text_gets_into_a_shell(workflows: dict[str, Any]) -> None:
    assert [
        step["run"] for workflow in workflows.values() for step in steps_of(workflow) if "${{" in step.get("run", "")
    ] == []


def test_only_what_was_tested_is_published(workflows: dict[str, Any]) -> None:
    jobs = workflows["release.yml"]["jobs"]
    assert set(jobs["publish"]["needs"]) == {"sdist", "wheels", "provenance"}
    assert jobs["publish"]["if"] == "github.event_name == 'push' && github.ref_type == 'tag'"
    assert jobs["trial"]["if"] == "github.event_name == 'workflow_dispatch'"
    uploaded = {
        job: [step["with"]["name"] for step in content["steps"] if "upload-artifact" in step.get("uses", "")]
        for job, content in jobs.items()
    }
    by_us = {job for job, names in uploaded.items() if any(name.startswith("published-") for name in names)}
    assert by_us == {"sdist", "wheels"}
    for job in ("provenance", "publish"):
        [download] = [step["with"] for step in jobs[job]["steps"] if "download-artifact" in step.get("uses", "")]
        assert download["pattern"] == "published-*"
    assert jobs["wheels"]["strategy"]["matrix"]["machine"] == ["ubuntu-24.04", "ubuntu-24.04-arm"]
    assert "smoke.txt" in PYPROJECT["tool"]["cibuildwheel"]["test-command"]


def test_releases_are_built_with_the_version_that_was_tried() -> None:
    [pinned] = [
        line for line in PYPROJECT["project"]["optional-dependencies"]["packages"] if line.startswith("cibuildwheel")
    ]
    assert set(re.findall(r"cibuildwheel==[\w.]+", text_of("release.yml"))) == {pinned}


def test_the_host_s_schemas_find_nothing() -> None:
    pytest.importorskip("check_jsonschema", reason="comes with the extra `packages`")
    for pattern, schema in SCHEMAS.items():
        files = sorted(map(str, HOST.glob(pattern)))
        assert files != [], pattern
        command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        assert finished.returncode == 0, finished.stdout


def test_the_forms_ask_for_the_output_of_info() -> None:
    for name in ("bug", "package", "question"):
        assert "python -m aiointerpreters info" in (HOST / "ISSUE_TEMPLATE" / f"{name}.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("platform", "arch", "tags"),
    [
        ("linux", "x86_64", ["manylinux_x86_64", "musllinux_x86_64"]),
        ("linux", "aarch64", ["manylinux_aarch64", "musllinux_aarch64"]),
        ("macos", "arm64", ["macosx_arm64"]),
        ("windows", "AMD64", ["win_amd64"]),
    ],
)
def test_cibuildwheel_builds_each_version_for_each_system(platform: str, arch: str, tags: list[str]) -> None:
    pytest.importorskip("cibuildwheel", reason="comes with the extra `packages`")
    command = ["cibuildwheel", "--print-build-identifiers", "--platform", platform, "--archs", arch, str(ROOT)]
    finished = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert sorted(finished.stdout.split()) == sorted(f"cp{version}-{tag}" for version in (313, 314, 315) for tag in tags)

#!/bin/sh
# PDM 2.29.4 with hishel 2.0.0: every `pdm add` and `pdm lock` fails.
#
# PDM requires "hishel[httpx2]>=1.4.0", without an upper bound. hishel 2.0.0 has no `SyncSqliteStorage`, which PDM uses. So a new installation of
# PDM by pip fails with AttributeError: module 'hishel' has no attribute 'SyncSqliteStorage'. With hishel 1.4.0, which is the version in
# PDM's extra "locked", it works.
. "$(dirname "$0")/environment"
install pdm==2.29.4 hishel==2.0.0

cat >"$folder/pyproject.toml" <<'TOML'
[project]
name = "sample"
version = "1"
requires-python = ">=3.14"
dependencies = []
TOML
cat >"$folder/program.py" <<'PYTHON'
import os, subprocess, sys

folder = os.path.dirname(os.path.abspath(__file__))
environment = os.environ | {"HOME": folder, "XDG_CACHE_HOME": folder, "XDG_CONFIG_HOME": folder, "XDG_STATE_HOME": folder, "XDG_DATA_HOME": folder}
command = [sys.executable, "-m", "pdm", "add", "idna", "--no-sync"]
result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
print("exit code", result.returncode)
print("\n".join(line for line in (result.stdout + result.stderr).splitlines() if "AttributeError" in line))
PYTHON
expect "exit code 1
[AttributeError]: module 'hishel' has no attribute 'SyncSqliteStorage'" "$folder/program.py"

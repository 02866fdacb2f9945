# SPDX-License-Identifier: AGPL-3.0-or-later
"""The wrapper ./inv with a stand-in of Python, so that nothing is downloaded."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BASIC = (
    *("cat", "chmod", "cmp", "cp", "date", "dirname", "env", "find", "flock", "grep", "id", "mkdir", "mv"),
    *("readlink", "rm", "sh", "sleep", "tail", "uname"),
)

# Answers what ./inv asks a Python, makes a "venv" with itself in it, and writes down what pip and the entry get.
PYTHON = """\
#!/bin/sh
case "$1 $2" in
  "-c "*ensurepip*) [ ! -e "$LOG.no-ensurepip" ] ;;
  "-c "*version_info\\ \\<*) exit 0 ;;
  "-c "*) echo 3.11 ;;
  "--version "*) echo Python 3.11.2 ;;
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && echo venv >>"$LOG" ;;
  "-m pip") echo "$*" >>"$LOG"; sleep "${SLOW:-0}"; [ ! -e "$LOG.no-network" ] || { echo "pip says no"; exit 1; } ;;
  "-S -E") shift 3; echo "entry $*" >>"$LOG" ;;
  *) echo "unexpected: $*" >&2; exit 99 ;;
esac
"""


class Checkout:
    def __init__(self, folder: Path) -> None:
        self.root = folder / "a checkout"
        self.root.mkdir()
        shutil.copy(ROOT / "inv", self.root / "inv")
        for name in ("requirements.lock", "requirements-test.lock"):
            (self.root / name).write_text(f"{name}==1 --hash=sha256:0\n")
        self.programs = folder / "bin"
        self.programs.mkdir()
        for name in BASIC:
            found = shutil.which(name)
            assert found is not None, name
            (self.programs / name).symlink_to(found)
        self.log = folder / "log"

    def add(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def start(self, *arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.Popen[str]:
        environment = {"PATH": str(self.programs), "LOG": str(self.log), **variables}
        command = [str(self.root / "inv"), *arguments]
        return subprocess.Popen(command, cwd=cwd, env=environment, text=True, stderr=subprocess.PIPE)

    def run(self, *arguments: str, cwd: Path | None = None, **variables: str) -> tuple[int, str]:
        process = self.start(*arguments, cwd=cwd, **variables)
        return process.wait(timeout=30), process.communicate()[1]

    def said(self) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return [re.sub(r"^-m pip .* --requirement ", "pip ", line) for line in lines]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_first_call_makes_the_environment_and_later_calls_do_not(checkout: Checkout, tmp_path: Path) -> None:
    checkout.add("python3.11", PYTHON)
    code, told = checkout.run("build-overlay", "a b", "$(x)")
    assert code == 0
    assert "making .venv with Python 3.11.2" in told
    assert checkout.said() == ["venv", "pip requirements.lock", "entry build-overlay a b $(x)"]
    link = tmp_path / "link"
    link.symlink_to(checkout.root / "inv")
    assert checkout.run("--list", cwd=tmp_path) == (0, "")
    subprocess.run([link], env={"PATH": str(checkout.programs), "LOG": str(checkout.log)}, check=True)
    assert checkout.said() == ["entry --list", "entry "]


def test_pip_must_check_hashes_and_names_no_index(checkout: Checkout) -> None:
    checkout.add("python3.11", PYTHON)
    checkout.run("--list")
    pip = checkout.log.read_text().splitlines()[1]
    assert "--require-hashes" in pip
    assert "--no-deps" in pip
    assert "index" not in pip


def test_a_changed_lock_file_is_installed_in_place_and_a_touched_one_is_not(checkout: Checkout) -> None:
    checkout.add("python3.11", PYTHON)
    checkout.run("--list")
    checkout.said()
    os.utime(checkout.root / "requirements.lock")
    checkout.run("--list")
    assert checkout.said() == ["entry --list"]
    (checkout.root / "requirements.lock").write_text("other==2\n")
    checkout.run("--list")
    assert checkout.said() == ["pip requirements.lock", "entry --list"]


def test_only_tests_install_what_tests_need(checkout: Checkout) -> None:
    checkout.add("python3.11", PYTHON)
    checkout.run("test", "--unit")
    assert checkout.said() == ["venv", "pip requirements-test.lock", "entry test --unit"]
    checkout.run("build")
    assert checkout.said() == ["entry build"]


def test_what_was_killed_or_failed_is_made_from_the_start(checkout: Checkout) -> None:
    checkout.add("python3.11", PYTHON)
    Path(f"{checkout.log}.no-network").touch()
    code, told = checkout.run("--list")
    assert code == 4
    assert "pip says no" in told
    assert "pip could not install" in told
    assert checkout.said() == ["venv", "pip requirements.lock"]
    (checkout.root / ".venv" / "half-made").touch()
    Path(f"{checkout.log}.no-network").unlink()
    assert checkout.run("--list")[0] == 0
    assert checkout.said() == ["venv", "pip requirements.lock", "entry --list"]
    assert not (checkout.root / ".venv" / "half-made").exists()


def test_two_at_once_make_it_once(checkout: Checkout) -> None:
    checkout.add("python3.11", PYTHON)
    started = [checkout.start("--list", SLOW="0.5") for _ in range(3)]
    assert [process.wait(timeout=30) for process in started] == [0, 0, 0]
    for process in started:
        process.communicate()
    assert sorted(checkout.said()) == ["entry --list"] * 3 + ["pip requirements.lock", "venv"]


def test_an_environment_of_somebody_else_is_used_and_left_alone(checkout: Checkout) -> None:
    checkout.add("python", PYTHON)
    (checkout.root / ".venv/bin").mkdir(parents=True)
    shutil.copy(checkout.programs / "python", checkout.root / ".venv/bin/python")
    assert checkout.run("--list") == (0, "")
    assert checkout.said() == ["entry --list"]
    assert not (checkout.root / ".venv/.pynqtorch").exists()


def test_without_python_the_packages_are_named_and_nothing_is_installed_unasked(checkout: Checkout) -> None:
    checkout.add("apt-get", "#!/bin/sh\necho apt-get >>$LOG\n")
    code, told = checkout.run("--list")
    assert code == 4
    assert re.search(r"apt-get install -y python3\S* python3\S*-venv", told)
    code, told = checkout.run("build", "--no-install")
    assert code == 4
    checkout.add("python3", PYTHON)
    Path(f"{checkout.log}.no-ensurepip").touch()
    code, told = checkout.run("--list")
    assert code == 4
    assert "cannot make virtual environments" in told
    assert "apt-get install -y python3.11-venv" in told
    assert checkout.said() == []


def test_setup_installs_python_after_saying_so(checkout: Checkout) -> None:
    checkout.add("sudo", '#!/bin/sh\nexec "$@"\n')
    checkout.add("python3.template", PYTHON)
    target = checkout.programs / "python3"
    checkout.add(
        "apt-get", f'#!/bin/sh\necho "apt-get $*" >>$LOG\n[ "$2" = update ] || cp {target}.template {target}\n'
    )
    code, told = checkout.run("setup")
    assert code == 0
    assert "installing python3" in told
    said = checkout.said()
    assert said[0] == "apt-get -qq update"
    assert said[1].startswith("apt-get -qq install -y --no-install-recommends python3")
    assert said[2:] == ["venv", "pip requirements.lock", "entry setup"]


@pytest.mark.parametrize("name", ["inv", "scripts/complete.sh", "scripts/update-locks.sh"])
def test_scripts_are_clean_for_shellcheck(name: str) -> None:
    beside = Path(sys.executable).parent / "shellcheck"
    program = str(beside) if beside.exists() else shutil.which("shellcheck")
    if program is None:
        pytest.skip("no shellcheck")
    found = subprocess.run([program, str(ROOT / name)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_lock_files_have_a_hash_for_everything_and_say_nothing_of_a_machine() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locks = {name: (ROOT / name).read_text() for name in ("requirements.lock", "requirements-test.lock")}
    pinned = {name: set(re.findall(r"^([a-z0-9-]+)==\S+", text, re.MULTILINE)) for name, text in locks.items()}
    for text in locks.values():
        assert "//" not in text
        assert all("--hash=sha256:" in part for part in re.split(r"\n(?=\S)", text) if "==" in part)
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["sim"], *extras["hwh"], *extras["bundle"]]
    names = {re.split(r"[<>=\[;]", need)[0].lower() for need in needed}
    assert names <= pinned["requirements.lock"]
    assert {re.split(r"[<>=\[;]", need)[0].lower() for need in extras["test"]} <= pinned["requirements-test.lock"]
    lines = set(re.findall(r"^[a-z0-9-]+==\S+", locks["requirements.lock"], re.MULTILINE))
    assert lines <= set(re.findall(r"^[a-z0-9-]+==\S+", locks["requirements-test.lock"], re.MULTILINE))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["build-overlay", "vec"], {"vector_add"}),
        (["build-hls", "vec"], {"vector_add"}),
        (["build", "--board", "pynq-z"], {"pynq-z1", "pynq-z2"}),
        (["build", "--flow", "v"], {"vendor"}),
    ],
)
def test_names_are_completed_from_the_folders(words: list[str], expected: set[str]) -> None:
    if shutil.which("bash") is None:
        pytest.skip("no bash")
    script = '. "$1"; shift; COMP_WORDS=(./inv "$@"); COMP_CWORD=$#; _pynqtorch; printf "%s\\n" "${COMPREPLY[@]}"'
    argv = ["bash", "-c", script, "bash", str(ROOT / "scripts/complete.sh"), *words]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == expected
    assert done.stderr == ""

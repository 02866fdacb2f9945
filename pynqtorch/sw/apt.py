# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the host's apt is configured with: mirror, keyring, proxies and date checks.

A rootfs comes from where the host's own packages come from, so nothing here names a server.  Formats: sources.list(5),
one line each or deb822; ``apt-config dump``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pynqtorch.errors import MissingToolError, UsageError

MIRROR = "PYNQTORCH_MIRROR"
SNAPSHOT_MIRROR = "PYNQTORCH_SNAPSHOT_MIRROR"
KEYRING = "PYNQTORCH_KEYRING"
SETTINGS = (MIRROR, SNAPSHOT_MIRROR, KEYRING, "http_proxy", "https_proxy", "no_proxy")
"""Environment variables that say where a rootfs comes from."""

_KEYRINGS = {
    "debian": ("debian-archive-keyring", ("debian-archive-keyring.pgp", "debian-archive-keyring.gpg")),
    "ubuntu": ("ubuntu-keyring", ("ubuntu-archive-keyring.gpg",)),
}
_ALIASES = ("stable", "testing", "unstable", "sid", "oldstable", "oldoldstable", "devel")
# Only what says how to reach the mirror and whether its dates are checked; nothing that weakens signatures.
_TAKEN_OVER = re.compile(r"^Acquire::(Check-Valid-Until|Check-Date|Retries|ForceIPv[46]|https?::.+)$", re.IGNORECASE)
_DUMPED = re.compile(r'^(?P<key>[^\s"]+) "(?P<value>.*)";$')


@dataclass(frozen=True, slots=True)
class Source:
    """One ``deb`` entry: a URI and suite with its components; `signed_by` is a keyring's path or empty."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""


def parse_one_line(text: str) -> tuple[Source, ...]:
    """The ``deb`` entries of a ``*.list`` file; what does not parse is no entry, as for apt's own tools a comment."""
    found = []
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        match = re.match(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<rest>.*)$", line)
        if match is None:
            continue
        options = dict(part.partition("=")[::2] for part in (match["options"] or "").split())
        found.append(
            Source(match["uri"], match["suite"], tuple(match["rest"].split()), _key_path(options.get("signed-by", "")))
        )
    return tuple(found)


def parse_deb822(text: str) -> tuple[Source, ...]:
    """The enabled ``deb`` entries of a ``*.sources`` file, one for each URI and suite."""
    found: list[Source] = []
    for stanza in _stanzas(text):
        if "deb" not in stanza.get("types", "").split() or stanza.get("enabled", "yes").lower() in ("no", "false"):
            continue
        components = tuple(stanza.get("components", "").split())
        signed_by = _key_path(stanza.get("signed-by", ""))
        found.extend(
            Source(uri, suite, components, signed_by)
            for uri in stanza.get("uris", "").split()
            for suite in stanza.get("suites", "").split()
        )
    return tuple(found)


def _stanzas(text: str) -> Iterable[dict[str, str]]:
    fields: dict[str, str] = {}
    name = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, name = {}, ""
        elif line[0] in " \t":
            if name:
                fields[name] += "\n" + line.strip()
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()


def _key_path(value: str) -> str:
    return value if value.startswith("/") and "\n" not in value else ""


def read_sources(etc: Path = Path("/etc/apt")) -> tuple[Source, ...]:
    """Every entry of the host, in apt's order; unreadable files have none."""
    found: list[Source] = []
    parts = sorted((etc / "sources.list.d").glob("*")) if (etc / "sources.list.d").is_dir() else []
    for path in (etc / "sources.list", *parts):
        if path.is_file() and path.suffix in (".list", ".sources"):
            text = path.read_text(errors="replace")
            found.extend(parse_deb822(text) if path.suffix == ".sources" else parse_one_line(text))
    return tuple(found)


def parse_os_release(text: str) -> dict[str, str]:
    """os-release(5) as a mapping."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def host_mirror(sources: Sequence[Source], os_release: Mapping[str, str], distribution: str) -> str | None:
    """The mirror that the host's own packages of `distribution` come from; it has the other suites as well.

    None where the host is another distribution.  Entries of other parties (their own key, no ``main``) do not count.
    """
    if os_release.get("ID", "") != distribution:
        return None
    codename = os_release.get("VERSION_CODENAME", "")
    names = _KEYRINGS[distribution][1]
    own = [
        source
        for source in sources
        if "main" in source.components
        and (source.suite == codename or source.suite in _ALIASES)
        and not source.uri.startswith(("cdrom:", "copy:"))
        and (not source.signed_by or Path(source.signed_by).name.startswith(tuple(Path(n).stem for n in names)))
    ]
    own.sort(key=lambda source: source.suite != codename)  # stable: else in apt's order
    return own[0].uri if own else None


def mirror(
    distribution: str,
    snapshot: str | None,
    settings: Mapping[str, str],
    sources: Sequence[Source],
    os_release: Mapping[str, str],
) -> str:
    """Where a rootfs of `distribution` is downloaded from.

    Args:
        distribution: ``debian`` or ``ubuntu``.
        snapshot: date of the recipe (``20261101T000000Z``) or None.
        settings: environment variables (`SETTINGS`).
        sources, os_release: of the host.

    Raises:
        UsageError: there is no mirror for it; the hint names the variable to set.
    """
    if snapshot is not None:
        template = settings.get(SNAPSHOT_MIRROR, "")
        if "{date}" not in template:
            raise UsageError(
                f"the recipe pins the snapshot of {snapshot}, and no mirror of snapshots is known here",
                hint=f"set {SNAPSHOT_MIRROR} to the address of one, with {{date}} where the date goes, "
                "or take `snapshot` out of the recipe",
            )
        return _checked(template.replace("{date}", snapshot), SNAPSHOT_MIRROR)
    if given := settings.get(MIRROR, ""):
        return _checked(given, MIRROR)
    found = host_mirror(sources, os_release, distribution)
    if found is None:
        here = os_release.get("PRETTY_NAME") or os_release.get("ID") or "this machine"
        raise UsageError(
            f"the rootfs needs a {distribution.capitalize()} mirror, and none is configured on {here}",
            hint=f"set {MIRROR} to the address of one you use (apt's form, as in a sources.list)",
        )
    return found


def _checked(address: str, name: str) -> str:
    parts = urlsplit(address)
    if not parts.scheme or not (parts.netloc or parts.scheme == "file") or re.search(r"[\s\[\]]", address):
        raise UsageError(f"{name} is no address: {address!r}", hint="it begins with http://, https:// or file:///")
    return address


def keyring(distribution: str, settings: Mapping[str, str], folder: Path = Path("/usr/share/keyrings")) -> Path:
    """The keys that the suite's signature is checked against.

    Raises:
        MissingToolError: there is no such file; the hint says which package has it.
        UsageError: a path that cannot stand in a sources.list.
    """
    if given := settings.get(KEYRING, ""):
        path = Path(given)
        if not path.is_file():
            raise MissingToolError(f"{KEYRING}: there is no {path}", hint="give the path of an OpenPGP keyring file")
        if not path.is_absolute() or re.search(r"[\s\[\]]", given):
            raise UsageError(f"{KEYRING}: {given!r} is no path for apt", hint="absolute, without blanks and brackets")
        return path
    package, names = _KEYRINGS[distribution]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise MissingToolError(
        f"the keys of {distribution.capitalize()} are not on this machine", hint=f"apt-get install {package}"
    )


def options_of_host(dump: str) -> tuple[str, ...]:
    """From ``apt-config dump``: what this host sets about reaching its mirror, as options for another apt.

    Proxies, certificates, retries, and Check-Valid-Until and Check-Date: never set where the host does not.
    """
    found = []
    for line in dump.splitlines():
        match = _DUMPED.match(line)
        if match and match["value"] and _TAKEN_OVER.match(match["key"].removesuffix("::")):
            found.append(f'{match["key"]} "{match["value"]}"')
    return tuple(found)

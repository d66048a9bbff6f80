"""Optional packages, by extra, as this package's own metadata lists them."""

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from ppg_deploy.doctor.finding import Finding, Level

GROUP = "extras"
_REQUIREMENT = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)\s*(?P<bounds>[^;\[]*);.*extra\s*==\s*['\"](?P<extra>\w+)['\"]"
)
_FOR_DEVELOPERS = "dev"


@dataclass(frozen=True)
class Requirement:
    """One package of an extra; `pinned` where one version only will do."""

    extra: str
    name: str
    pinned: str | None


def optional_requirements() -> tuple[Requirement, ...]:
    """What the extras ask for; empty when ppg-deploy runs without being installed."""
    try:
        lines = requires("ppg-deploy") or []
    except PackageNotFoundError:
        return ()
    found = []
    for line in lines:
        match = _REQUIREMENT.match(line)
        if match and match["extra"] != _FOR_DEVELOPERS:
            bounds = match["bounds"].strip(" ()")
            pinned = bounds[2:] if bounds.startswith("==") else None
            found.append(Requirement(match["extra"], match["name"], pinned))
    return tuple(found)


def installed_version(package: str) -> str | None:
    """Version of a Python package, None when it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def check_extras() -> tuple[Finding, ...]:
    """One finding an extra; a missing one is no problem, one of another version than the pinned is."""
    requirements = optional_requirements()
    findings = []
    for extra in sorted({requirement.extra for requirement in requirements}):
        wanted = [requirement for requirement in requirements if requirement.extra == extra]
        found, wrong = [], []
        for requirement in wanted:
            installed = installed_version(requirement.name)
            found.append(f"{requirement.name} {installed or 'missing'}")
            # A local version such as 2.13.0+cpu is another build of the same version.
            if installed and requirement.pinned and installed.split("+")[0] != requirement.pinned:
                wrong.append(f"{requirement.name} must be {requirement.pinned}")
        missing = any(text.endswith(" missing") for text in found)
        install = f'pip install "ppg-deploy[{extra}]"'
        hint = f"{'; '.join(wrong)}: {install}" if wrong else install if missing else None
        level = Level.WARNING if wrong else Level.OK
        findings.append(Finding(group=GROUP, check=extra, level=level, found=", ".join(found), hint=hint))
    return tuple(findings)

"""Rendering a model, a board and the files of firmware/ into a PlatformIO project."""

from ppg_deploy.project.manifest import MANIFEST_NAME, Manifest, load_manifest
from ppg_deploy.project.render import (
    DEFAULT_FLAGS,
    DEFAULT_KERNEL_FLAGS,
    POWER_FLAG,
    SMALL_FLAGS,
    Project,
    render_project,
)
from ppg_deploy.project.sources import Library, ModelSources
from ppg_deploy.project.templates import render_template

__all__ = [
    "DEFAULT_FLAGS",
    "DEFAULT_KERNEL_FLAGS",
    "MANIFEST_NAME",
    "POWER_FLAG",
    "SMALL_FLAGS",
    "Library",
    "Manifest",
    "ModelSources",
    "Project",
    "load_manifest",
    "render_project",
    "render_template",
]

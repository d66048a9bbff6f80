"""Rendering a model, a board and the files of firmware/ into a PlatformIO project."""

from ppg_deploy.project.application import BENCH_APPLICATION, Application, Dialect
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
    "BENCH_APPLICATION",
    "DEFAULT_FLAGS",
    "DEFAULT_KERNEL_FLAGS",
    "MANIFEST_NAME",
    "POWER_FLAG",
    "SMALL_FLAGS",
    "Application",
    "Dialect",
    "Library",
    "Manifest",
    "ModelSources",
    "Project",
    "load_manifest",
    "render_project",
    "render_template",
]

"""One distillation from a split to result.json."""

import platform
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from models.distil.chosen_windows import middle_windows
from models.distil.deliver import (
    DELIVERED,
    TEST,
    deliver,
    float_error,
    int8_error,
    prepared_in,
    write_model,
    write_windows,
)
from models.distil.settings import DistilSettings, ExportSettings
from models.int8_training.fine_tune import fine_tune
from models.losses.answers import Answers
from models.losses.combination import Combination
from models.losses.settings import LossSettings
from models.synth import WindowSet
from models.teachers.cache import cache_key
from models.teachers.ensemble import ensemble_answers
from models.teachers.training import Teacher, teach
from models.training.loop import Fitted, Report, chosen_device
from models.training.networks import Task, feature_layer, prefixed, probe, task, train_network
from models.training.split import SubjectSplit
from ppg_deploy.files import sha256_of_file, write_json

RESULT = "result.json"
SCRATCH = "from-scratch"
BEFORE = "before-int8-training"


def distil(
    settings: DistilSettings, split: SubjectSplit, out: Path, *, cache: Path | None = None, report: Report
) -> dict[str, Any]:
    """Teach, distil, fine-tune, export and measure; what is returned is also written to `out`/result.json.

    `out` holds the student ready for `ppg-deploy quantize`. `out`/from-scratch holds the same student trained on the
    labels alone, `out`/before-int8-training the distilled one before its last step, each with its int8 model in int8/.
    All are measured on all test windows, also where test.npz shall hold a few of them only (`result["shipped"]`).

    Args:
        settings: what to do; its `data` table is only noted in the result.
        split: the windows.
        out: folder of the results; checkpoints lie there until the run is done.
        cache: folder for trained teachers and their answers, which several runs may share; `out`/cache by default.
        report: gets progress lines.

    Raises:
        InputError: settings that do not fit networks or windows. EnvironmentProblem: `out` cannot be written.
    """
    started = time.process_time()
    check_losses(settings)
    shipped = _shipped_windows(settings.export, split)
    job = task(settings.student.network, split, card_name=settings.export.name, ppg=settings.student.ppg)
    teacher = teacher_of(settings, split, cache or out / "cache", report)
    answers = None if teacher is None else teacher.answers
    runs = {"": (settings.loss, answers)}
    if answers is not None and settings.student.compare_with_scratch:
        runs[SCRATCH] = (settings.loss.from_scratch, None)
    results = {
        name or "student": _student(out, name, settings, job, losses, taught, split, report)
        for name, (losses, taught) in runs.items()
    }
    if shipped is not None:
        write_windows(out / TEST, shipped, job)
        results["shipped"] = {
            "test_error_bpm": float_error(out),
            "int8": int8_error(out, out / "int8-of-shipped-windows"),
        }
    result = {
        "schema": 1,
        "name": settings.export.name,
        "terms": sorted(name for name, loss in settings.loss if loss is not None),
        "teacher": None if teacher is None else teacher.facts(),
        **{name.replace("-", "_"): facts for name, facts in results.items()},
        "cpu_seconds": round(time.process_time() - started),
        "device": str(chosen_device(settings.student.fit.device)),
        "data_sha256": split.hashes,
        "cautions": list(split.cautions),
        "subjects": {
            name: len(np.unique(part.subject))
            for name, part in (("train", split.train), ("validation", split.validation), ("test", split.test))
        },
        "sha256": {name: sha256_of_file(out / name) for name in DELIVERED},
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": str(torch.__version__),
            "onnx": onnx.__version__,
        },
        "settings": settings.model_dump(mode="json"),
    }
    write_json(out / RESULT, result)
    return result


def _shipped_windows(export: ExportSettings, split: SubjectSplit) -> WindowSet | None:
    if not export.shipped_test_subjects:
        return None
    return middle_windows(split.test, export.shipped_test_subjects, export.shipped_windows_per_subject)


def check_losses(settings: DistilSettings) -> None:
    """Losses that do not fit the networks are better found before a teacher is trained for hours.

    Raises:
        InputError: they do not, or a network is unknown.
    """
    teacher = None
    feature = settings.loss.feature
    if settings.teacher is not None:
        layers = {
            name: None if feature is None else feature_layer(name, feature.teacher_layer)
            for name in settings.teacher.networks
        }
        members = [probe(name, layer) for name, layer in layers.items()]
        teacher = ensemble_answers(members * len(settings.teacher.seeds))
    layer = None if feature is None else feature_layer(settings.student.network, feature.student_layer)
    Combination(settings.loss, probe(settings.student.network, layer), teacher)


def teacher_of(settings: DistilSettings, split: SubjectSplit, cache: Path, report: Report) -> Teacher | None:
    """Train the teacher of `settings`, or find it and its answers in the cache; None where there is none.

    Raises:
        InputError: settings that do not fit networks or windows. EnvironmentProblem: `cache` cannot be written.
    """
    if settings.teacher is None:
        return None
    feature = settings.loss.feature
    return teach(
        settings.teacher,
        split,
        wants_features=feature is not None,
        layer=None if feature is None else feature.teacher_layer,
        cache=cache,
        report=report,
    )


def _student(
    out: Path,
    name: str,
    settings: DistilSettings,
    job: Task,
    losses: LossSettings,
    teacher: Answers | None,
    split: SubjectSplit,
    report: Report,
) -> dict[str, Any]:
    """Train, deliver and measure one student in `out`/`name`; the facts for result.json."""
    folder = out / name
    feature = losses.feature
    fit = settings.student.fit
    checkpoint = folder / "student.checkpoint"
    label = name or "student"
    network, fitted = train_network(
        job,
        losses,
        teacher,
        fit,
        features=None if feature is None else feature_layer(job.name, feature.student_layer),
        checkpoint=checkpoint,
        key=_training_key(settings, losses, job, split),
        report=prefixed(report, label),
    )
    delivery = {"calibration_windows": settings.export.calibration_windows, "seed": fit.seed}
    int8: dict[str, Any]
    if settings.int8.epochs == 0:
        deliver(folder, network, job, split, **delivery)
        int8 = {"before": int8_error(folder, folder / "int8")}
    else:
        before = folder / BEFORE
        deliver(before, network, job, split, **delivery)
        tuned, tuning = fine_tune(
            prepared_in(before, job),
            losses,
            job.train,
            teacher,
            torch.from_numpy(job.validation.x),
            job.validation_error,
            settings.int8,
            seed=fit.seed,
            report=prefixed(report, f"{label}, int8 training"),
        )
        deliver(folder, network, job, split, **delivery)
        # Without a better epoch the student stays as it was trained, to the bit.
        if tuning.best_epoch > 0:
            write_model(folder, tuned, job)
        int8 = {
            "before": int8_error(before, before / "int8"),
            "after": int8_error(folder, folder / "int8"),
            "training": asdict(tuning),
        }
        int8["gain_bpm"] = int8["before"]["mae_int8"] - int8["after"]["mae_int8"]
    checkpoint.unlink(missing_ok=True)
    return {
        "parameters": job.student.parameters,
        "training": _training_facts(fitted),
        "test_error_bpm": float_error(folder),
        "int8": int8,
    }


def _training_key(settings: DistilSettings, losses: LossSettings, job: Task, split: SubjectSplit) -> str:
    teacher = settings.teacher if losses.needs_teacher else None
    return cache_key(
        settings.student.model_dump(mode="json"),
        losses.model_dump(mode="json"),
        None if teacher is None else teacher.model_dump(mode="json"),
        job.card.model_dump(mode="json"),
        split.hashes,
    )


def _training_facts(fitted: Fitted) -> Mapping[str, Any]:
    return {
        "epochs": fitted.epochs,
        "best_epoch": fitted.best_epoch,
        "validation_mae": fitted.validation_mae,
        "history": [{"loss": loss, "validation_mae": mae} for loss, mae in fitted.history],
    }

# SPDX-License-Identifier: GPL-3.0-or-later
"""optuna-sqlite in Optuna."""
from __future__ import annotations

from pathlib import Path

from .support import DATA, MODEL, export, call

PACKAGES = ["optuna"]


def run(cli: str, folder: Path) -> list[str]:
    import optuna
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    project = folder / "search.bitscape"
    ours = call(cli, "search", MODEL, "--data", DATA, "--limit", 256, "--goal", "bits", "--trials", 3, "--project", project)["trials"]
    storage = f"sqlite:///{export(cli, folder, 'optuna-sqlite', 'study.db', model=project)}"
    study = optuna.load_study(study_name=optuna.get_all_study_names(storage)[0], storage=storage)
    failures = []
    if len(study.trials) != len(ours):
        failures.append(f"{len(study.trials)} trials, wanted {len(ours)}")
    for theirs, trial in zip(study.trials, ours):
        if abs(theirs.values[0] - trial["metric"]) > 1e-9 or not theirs.params:
            failures.append(f"trial {theirs.number}: {theirs.values}, wanted metric {trial['metric']}")
    study.optimize(lambda trial: (0.5, 1.0), n_trials=1)  # goes on with it
    return failures if study.best_trials else failures + ["no best trial"]

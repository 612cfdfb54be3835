"""Words that a launcher would evaluate, run or write to are not for a config file, also where they look like names."""

import pytest

from gradmix.cli.main import main


@pytest.mark.parametrize(
    ("launcher", "option"),
    [
        ("joblib", "pre_dispatch: n_jobs"),  # joblib evaluates it
        ("joblib", "temp_folder: elsewhere"),
        ("submitit_slurm", "submitit_folder: elsewhere"),
        ("submitit_slurm", "comment: hello"),
        ("submitit_local", "submitit_folder: elsewhere"),
        ("gradmix", "start_method: fork"),
    ],
)
def test_a_file_sets_no_words_of_a_launcher(empty_folder, capsys, launcher, option):
    experiment = empty_folder / "stranger" / "experiment" / "x.yaml"
    experiment.parent.mkdir(parents=True)
    chosen = f"defaults: [{{override /hydra/launcher: {launcher}}}]"
    experiment.write_text(f"# @package _global_\n{chosen}\nhydra: {{launcher: {{{option}}}}}\n")
    stranger = ["--config-dir", "stranger", "experiment=x", "tracking=none", "pictures=false"]
    assert main(["run", "-m", *stranger, "seed=1,2"]) == 2
    told = capsys.readouterr().err
    assert f"hydra.launcher.{option.partition(':')[0]}" in told
    assert "command line" in told  # ours, with what to do: Hydra refuses keys that a launcher lacks in other words
    assert not (empty_folder / "runs").exists()

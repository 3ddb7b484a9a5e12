"""Recipes by name, and a TOML file that overrides them."""

import re

import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.study.recipes import recipes_for, with_overrides, with_settings


def override(tmp_path, text: str, tasks=("crop", "full")):
    file = tmp_path / "my.toml"
    file.write_text(text, encoding="utf-8")
    return with_overrides(recipes_for(tasks), file)


def test_a_file_overrides_all_recipes_or_one_of_them(tmp_path):
    before = recipes_for(("crop", "full"))
    recipes = override(
        tmp_path,
        'epochs = 7\noptimizer = "sgd"\nspacing_mm = "none"\nlearning_rate = 1\n'
        "[crop]\nepochs = 9\nmargin_mm = 12\n[crop.sampling]\nstraying = 2\nedge_mm = [-1, 2.5]\n",
    )
    crop, full = recipes["crop"], recipes["full"]
    assert (crop.epochs, full.epochs) == (9, 7) and crop.optimizer == full.optimizer == "sgd"
    assert crop.spacing_mm is full.spacing_mm is None and crop.learning_rate == 1.0
    assert crop.margin_mm == 12.0 and crop.sampling.straying == 2 and crop.sampling.edge_mm == (-1.0, 2.5)
    # What the file does not name is as the recipe says.
    assert crop.sampling.empty == before["crop"].sampling.empty and full.iterations == before["full"].iterations


def test_a_table_of_a_task_that_is_not_done_is_skipped(tmp_path):
    assert override(tmp_path, "[full]\nepochs = 5\n", ["crop"]) == recipes_for(["crop"])


@pytest.mark.parametrize(
    "text, reason",
    [
        ("epoch = 3", "there is no 'epoch'; use one of name, spacing_mm"),
        ("[crop.sampling]\nstray = 1", "[crop], sampling: there is no 'stray'; use one of straying, empty"),
        ("[full]\nmargin_mm = 3", "[full]: there is no 'margin_mm'"),
        ('epochs = "many"', "epochs is 'many'; it must be a whole number."),
        ("epochs = 2.5", "epochs is 2.5; it must be a whole number."),
        ("averaging = 1", "averaging is 1; it must be true or false."),
        ("spacing_mm = true", "spacing_mm is True; it must be a number or 'none'."),
        ("[crop.sampling]\nedge_mm = [1, 2, 3]", "edge_mm is [1, 2, 3]; it must be a list of 2 numbers."),
        ("[crop]\nsampling = 3", "sampling is 3; it must be a table."),
        ("epochs = 0", "epochs is 0; it must be 1 or more."),
        ("oversample = 1.5", "oversample is 1.5; it must be 0 or more and at most 1."),
        ("learning_rate = 0", "learning_rate is 0.0; it must be greater than 0."),
        ("learning_rate = nan", "learning_rate is nan; it must be greater than 0."),
        ('optimizer = "lion"', "optimizer is 'lion'; it must be adam or adamw or sgd."),
        ("[crop.sampling]\nstraying = -1", "straying is -1; it must be 0 or more."),
        ("crop = 3", "crop is the name of a task, and has to be a table: [crop]."),
        ("epochs = = 3", "is no TOML file"),
    ],
)
def test_what_cannot_be_followed_is_refused_in_one_sentence_with_the_file(tmp_path, text, reason):
    with pytest.raises(ConfigurationError, match=re.escape(reason)) as refused:
        override(tmp_path, text)
    assert "my.toml" in str(refused.value) and "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml cannot be read"):
        with_overrides(recipes_for(["crop"]), tmp_path / "nowhere.toml")


def test_single_settings_come_last_and_skip_recipes_without_them():
    recipes = with_settings(recipes_for(("crop", "full")), {"margin_mm": 4.0, "epochs": 3, "iterations": None})
    assert recipes["crop"].margin_mm == 4.0 and not hasattr(recipes["full"], "margin_mm")
    assert recipes["crop"].epochs == recipes["full"].epochs == 3 and recipes["full"].iterations == 50


def test_an_unknown_task_recipe_or_network_is_refused_with_the_names():
    with pytest.raises(ConfigurationError, match="no task 'croup': use one of crop, full"):
        recipes_for(["croup"])
    with pytest.raises(ConfigurationError, match=r"no recipe 'best' .* paper or recommended"):
        recipes_for(["crop"], "best")
    with pytest.raises(ConfigurationError, match=r"network 'huge'.* small or default"):
        recipes_for(["crop"], network="huge")


def test_the_quick_recipes_are_short_and_coarse():
    quick, whole = recipes_for(("crop", "full"), quick=True), recipes_for(("crop", "full"))
    for task, recipe in quick.items():
        assert recipe.epochs * recipe.iterations < 10 and recipe.spacing_mm > whole[task].spacing_mm
    assert quick["crop"].sampling.straying < whole["crop"].sampling.straying

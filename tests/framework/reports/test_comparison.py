import math
from pathlib import Path

import numpy as np
import pytest

import gradmix
from gradmix import ConfigError, UnknownNameError
from gradmix.contracts.meaning import TIME, Meaning, recorded
from gradmix.journal.legacy import meanings
from gradmix.journal.reading import Run, TimedRounds
from gradmix.reports.comparison import compare
from gradmix.reports.factors import find_factors
from gradmix.reports.pairs import Verdict, difference, pair_up
from gradmix.reports.sentences import counts, headline
from gradmix.reports.tables import effect_rows, evidence, ranking, summary_text, versus


def run(metrics=None, *, status="finished", timing=None, **params):
    params = {key.replace("__", "."): value for key, value in params.items()}
    return Run(Path("x"), status, {"params": params}, metrics or {}, timing=timing)


def seeds(n, value, metric="bic", **params):
    return [run({metric: value(seed)}, seed=seed, **params) for seed in range(n)]


def effects(comparison):
    """The rows of the table of effects, as lines."""
    return [" | ".join(row) for row in effect_rows(comparison)]


def legend(comparison):
    return ranking(comparison, comparison.metrics, len(comparison.metrics)).legend


def rounds(seconds, block=None):
    return TimedRounds((seconds,) * 3, block)


def noise(scale, salt=0):
    return lambda seed: float(np.random.default_rng([seed, salt]).normal(0, scale))


# --- what varies -----------------------------------------------------------------------------------------------------


def test_choices_given_and_repeats_are_told_apart():
    runs = [
        run(clusterer=c, clusterer__n_components=k, dataset=d, clusterer__random_state=s, seed=s, clusterer__tol=1e-6)
        for c in ("gmm", "other")
        for k in (3, 1, 2)
        for d in ("iris", "wine")
        for s in range(3)
    ]
    factors = find_factors(runs)
    assert set(factors.choices) == {"clusterer", "clusterer.n_components"}
    assert factors.given == ("dataset",)
    assert set(factors.repeats) == {"clusterer.random_state", "seed"}
    assert factors.constants == {"clusterer.tol": 1e-6}
    assert factors.values["clusterer.n_components"] == (1, 2, 3)


def test_options_that_follow_from_the_choice_of_a_component_do_not_vary():
    runs = [
        run(clusterer="gmm", clusterer__tol=1e-6, clusterer__reg_covar=0.0),
        run(clusterer="kmeans", clusterer__tol=1e-4),
    ]
    assert find_factors(runs).choices == ("clusterer",)


def test_options_that_follow_from_what_was_chosen_beside_do_not_vary():
    rule = {"events__patience": "patience", "events__patience__rounds": 5}
    assert find_factors([run(seed=0, **rule), run(seed=0)]).choices == ("events.patience",)
    rounds = find_factors([run(seed=0, **rule), run(seed=0, **{**rule, "events__patience__rounds": 2})])
    assert rounds.choices == ("events.patience.rounds",)


def test_a_run_without_what_others_have_is_called_so():
    runs = [run({"bic": 1.0}, seed=0), run({"bic": 2.0}, seed=0, events__patience="patience")]
    assert headline(compare(runs))[0].startswith("without patience is best by bic")


def test_journals_tell_which_way_a_plugins_metric_is_better():
    def told(value, better, k):
        metrics = {"gap": {"better": better, "unit": "", "meaning": ""}}
        started = {"params": {"clusterer.n_components": k}, "metrics": metrics}
        return Run(Path("x"), "finished", started, {"gap": value, "gap.worst": -value})

    for better, best in (("higher", 2), ("lower", 1)):
        runs = [told(1.0, better, 1), told(3.0, better, 2)]
        comparison = compare(runs, ["gap"])
        assert comparison.primary.better == better
        assert comparison.sections[0].groups[0].settings == {"clusterer.n_components": best}
        assert compare(runs, ["gap.worst"]).primary.better == better
    assert not compare([told(1.0, None, 1), told(3.0, "sideways", 2)], ["gap"]).ranked
    assert compare([told(1.0, None, 1), told(3.0, None, 2)], ["gap:lower"]).ranked


def test_an_option_that_is_null_in_some_runs_varies():
    runs = [run(a="x", a__limit=None), run(a="x", a__limit=3), run(a="x", a__limit=[1, 2])]
    assert find_factors(runs).choices == ("a.limit",)
    assert set(find_factors(runs).values["a.limit"]) == {3, "null", "[1, 2]"}


def test_by_and_over_decide_and_take_short_names():
    runs = [run(a=a, b__k=k, problem=p, seed=0) for a in "xy" for k in (1, 2) for p in "pq"]
    assert find_factors(runs, by=["k"]).choices == ("b.k",)
    assert find_factors(runs, by=["k"]).repeats == ("a",)
    assert find_factors(runs, by=["problem"]).choices == ("problem",)
    assert find_factors(runs, over=["a"]).choices == ("b.k",)
    with pytest.raises(UnknownNameError, match=r"no run has a parameter 'problm'\. Did you mean problem"):
        find_factors(runs, by=["problm"])


# --- pairs -----------------------------------------------------------------------------------------------------------


def test_runs_are_paired_by_seed_and_not_by_their_order():
    ones = [run({"bic": 10.0 + seed}, seed=seed) for seed in range(8)]
    references = [run({"bic": float(seed)}, seed=seed) for seed in reversed(range(2, 10))]
    found = difference(pair_up(ones, references, meanings({})["bic"], ["seed"]), metric=meanings({})["bic"])
    assert (found.n, found.estimate.median, found.verdict) == (6, 10.0, Verdict.WORSE)


def test_runs_that_were_timed_in_turns_are_paired_round_by_round():
    def timed(factor, block):
        rounds = tuple(factor * drift for drift in (1.0, 5.0, 2.0, 9.0, 3.0, 7.0))
        return run({"time.seconds": factor * 4.0}, timing=TimedRounds(rounds, block), seed=0)

    metric = TIME
    together = difference(pair_up([timed(1.8, "b")], [timed(1.0, "b")], metric, ["seed"]), metric=metric)
    assert together.n == 6
    assert together.estimate.low == pytest.approx(1.8)
    assert together.estimate.high == pytest.approx(1.8)
    apart = difference(pair_up([timed(1.8, "b")], [timed(1.0, "c")], metric, ["seed"]), metric=metric)
    assert (apart.n, apart.verdict) == (1, Verdict.SINGLE)
    alone = difference(pair_up([timed(1.8, None)], [timed(1.0, None)], metric, ["seed"]), metric=metric)
    assert alone.n == 1


@pytest.mark.parametrize(
    ("pairs", "verdict"),
    [
        ([], Verdict.UNPAIRED),
        ([(1.0, 1.0)] * 2, Verdict.EQUAL),
        ([(1.0 + 1e-13, 1.0)] * 8, Verdict.EQUAL),
        ([(2.0, 1.0)], Verdict.SINGLE),
        ([(2.0, 1.0), (2.5, 1.0)], Verdict.LIKELY_WORSE),
        ([(2.0, 1.0), (0.5, 1.0)], Verdict.NOISE),
        ([(2.0, 1.0)] * 3, Verdict.WORSE),
        ([(0.5, 1.0)] * 3, Verdict.BETTER),
        ([(2.0 + k, 1.0) for k in range(6)], Verdict.WORSE),
        ([(2.0 + k, 1.0) for k in range(5)] + [(0.5, 1.0)], Verdict.NOISE),
        ([(math.nan, 1.0)] * 6, Verdict.WORSE),
        ([(math.inf, 1.0)] * 6, Verdict.WORSE),
        ([(-math.inf, 1.0)] * 6, Verdict.WORSE),
        ([(math.nan, math.nan)] * 6, Verdict.UNPAIRED),
    ],
)
def test_verdicts(pairs, verdict):
    assert difference(pairs, metric=meanings({})["bic"]).verdict is verdict


def test_of_equal_methods_few_are_called_different():
    """The promise of 95 %: at most about one comparison in twenty is wrong."""
    generator = np.random.default_rng(0)
    wrong = 0
    for _ in range(1000):
        pairs = list(map(tuple, generator.normal(size=(10, 2)).tolist()))
        wrong += difference(pairs, metric=meanings({})["bic"]).verdict in (Verdict.WORSE, Verdict.BETTER)
    assert wrong / 1000 < 0.05


def test_ratios_are_for_positive_values_only():
    assert difference([(2.0, 1.0)] * 3, metric=meanings({})["derivative_error"]).is_ratio
    assert not difference([(2.0, 0.0)] * 3, metric=meanings({})["derivative_error"]).is_ratio
    assert not difference([(2.0, 1.0)] * 3, metric=meanings({})["bic"]).is_ratio


# --- ranking ---------------------------------------------------------------------------------------------------------


def test_the_best_comes_first_and_what_is_within_noise_of_it_is_told():
    runs = seeds(12, lambda s: 100.0 + s % 3, clusterer="a")
    runs += seeds(12, lambda s: 100.1 + (s + 1) % 3, clusterer="b")
    runs += seeds(12, lambda s: 150.0 + s % 2, clusterer="c")
    (section,) = compare(runs).sections
    assert section.groups[-1].settings == {"clusterer": "c"}
    assert section.groups[0].versus_best is None
    assert section.groups[1].versus_best.verdict is Verdict.NOISE
    assert section.groups[2].versus_best.verdict is Verdict.WORSE


def test_what_is_given_is_compared_within_and_not_across():
    runs = seeds(6, lambda s: 1000.0 + s, clusterer="a", dataset="hard") + seeds(
        6, float, clusterer="a", dataset="easy"
    )
    runs += seeds(6, lambda s: 900.0 + s, clusterer="b", dataset="hard") + seeds(
        6, lambda s: s + 0.5, clusterer="b", dataset="easy"
    )
    comparison = compare(runs)
    best = {section.given["dataset"]: section.groups[0].settings["clusterer"] for section in comparison.sections}
    assert best == {"hard": "b", "easy": "a"}
    assert [standing.n_level for standing in comparison.standings] == [1, 1]


def test_metrics_that_more_clusters_flatter_are_not_ranked_by_if_there_is_another():
    def fit(k):
        return {"log_likelihood": -100.0 + k, "bic": 100.0 + k}

    runs = [run(fit(k), clusterer__n_components=k, seed=s) for k in (1, 2, 3) for s in range(6)]
    comparison = compare(runs)
    assert comparison.primary.name == "bic"
    assert comparison.sections[0].groups[0].settings == {"clusterer.n_components": 1}
    forced = compare(runs, metrics=["log_likelihood"])
    assert forced.sections[0].groups[0].settings == {"clusterer.n_components": 3}
    assert any("always improves with n_components" in sentence for sentence in headline(forced))


def test_somebody_elses_metric_is_shown_but_ranked_only_if_asked():
    runs = seeds(6, float, metric="loss", clusterer="a") + seeds(6, lambda s: s + 1.0, metric="loss", clusterer="b")
    assert not compare(runs).ranked
    assert "--metric loss:lower" in headline(compare(runs))[0]
    assert compare(runs, ["loss:lower"]).sections[0].groups[0].settings == {"clusterer": "a"}
    assert compare(runs, ["loss:higher"]).sections[0].groups[0].settings == {"clusterer": "b"}
    with pytest.raises(ConfigError, match="loss:lower or loss:higher"):
        compare(runs, ["loss:up"])
    with pytest.raises(UnknownNameError, match="Did you mean loss"):
        compare(runs, ["los"])


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("metric", ["bic", "log_likelihood"])
def test_what_is_no_number_never_wins(broken, metric):
    runs = seeds(6, float, metric=metric, task="good") + seeds(6, lambda s: broken, metric=metric, task="bad")
    groups = compare(runs, [metric], by=["task"]).sections[0].groups
    assert [group.settings["task"] for group in groups] == ["good", "bad"]
    assert groups[1].versus_best.verdict is Verdict.WORSE
    assert groups[1].summaries[metric].n_broken == 6
    said = " ".join([*headline(compare(runs, [metric], by=["task"])), *effects(compare(runs, [metric], by=["task"]))])
    assert "6 without a number" in said
    assert not {"inf", "nan", "-inf"} & set(said.replace("|", " ").split())


def test_runs_without_a_result_are_counted_and_never_silently_dropped():
    ended = [run(status="failed", clusterer="a", seed=7), run(status="timed_out", clusterer="b", seed=0)]
    runs = [*seeds(6, float, clusterer="a"), *ended, Run(Path("y"), "out_of_memory")]
    comparison = compare(runs, n_unreadable=2, n_missing=3)
    assert counts(comparison).startswith(
        "14 runs: 6 finished, 1 failed, 1 timed out, 1 out of memory, 2 unreadable, 3 not reached"
    )
    assert {group.settings["clusterer"]: len(group.runs) for group in comparison.sections[0].groups} == {"a": 7, "b": 1}
    assert any("only 6 of 7 runs" in sentence for sentence in headline(comparison))


@pytest.mark.parametrize("runs", [[], [run(status="failed", seed=0)], [Run(Path("x"), "killed")], [run({}, seed=0)]])
def test_runs_without_any_metric_give_an_answer_too(runs):
    comparison = compare(runs)
    assert headline(comparison) == ["No run has a metric yet."]
    assert effects(comparison) == []


def test_a_difference_that_was_not_repeated_is_stated_as_measured():
    comparison = compare([run({"bic": 1.0}, clusterer="a"), run({"bic": 2.0}, clusterer="b")])
    assert comparison.sections[0].groups[1].versus_best.verdict is Verdict.SINGLE
    assert "Next: b, +1 (as measured, not repeated)." in headline(comparison)
    assert "repeat: seed=" in headline(comparison)[-1]


@pytest.mark.parametrize(
    ("behind", "strength"),
    [(1.9, "slight"), (2.1, "positive"), (7.9, "strong"), (10.1, "decisive"), (195.0, "decisive")],
)
def test_differences_of_criteria_have_the_words_of_kass_and_raftery(behind, strength):
    bic = gradmix.BIC
    found = difference([(2314.3 + behind, 2314.3)], metric=bic)
    assert (found.mark, evidence(found)) == (strength, f"{strength} evidence against it")
    better = difference([(2314.3 - behind, 2314.3)], metric=bic)
    assert evidence(better) == f"{strength} evidence for it"
    assert difference([(2314.3 + behind, 2314.3)], metric=gradmix.INERTIA.meaning).mark == ""


def test_the_words_for_criteria_are_explained_and_travel_in_journals():
    declared = {"metrics": {"bic": recorded(gradmix.BIC)}, "ranking": ["bic"]}
    runs = [
        Run(Path("x"), "finished", {"params": {"n_components": k}, **declared}, {"bic": value})
        for k, value in enumerate((2607.6, 2322.2, 2314.3))
    ]
    comparison = compare(runs)
    assert [row.mark for row in ranking(comparison, comparison.metrics, 1).rows] == ["best", "strong", "decisive"]
    assert "strong to 10, decisive above" in legend(comparison)
    assert "Next: n_components=1, +7.9 (strong evidence against it)." in headline(comparison)


def test_repetitions_of_what_has_no_randomness_are_not_too_few():
    """Runs of something deterministic with two seeds: the difference is what it is, and more seeds change nothing."""
    assert difference([(2509.3, 2314.3)] * 2, metric=gradmix.BIC).verdict is Verdict.WORSE
    assert difference([(5.0, 7.0)] * 2, metric=gradmix.BIC).verdict is Verdict.LIKELY_BETTER  # integers agree by chance


def everything_said(comparison):
    return " ".join([*headline(comparison), *effects(comparison), legend(comparison)])


def test_values_of_the_other_options_are_conditions_and_not_repetitions():
    """A criterion without randomness over 16 models, once each: nothing is noise, and nothing has an interval."""
    bic = {"full": (2600, 2322, 2333, 2358), "tied": (2600, 2325, 2314, 2320), "diag": (3056, 2346, 2332, 2343)}
    runs = [
        run({"bic": float(value)}, clusterer__covariance_type=name, clusterer__n_components=k, seed=0)
        for name, values in bic.items()
        for k, value in enumerate(values, start=1)
    ]
    comparison = compare(runs)
    said = everything_said(comparison)
    assert not [word for word in ("noise", "95 %", "worse?", "interval") if word in said]
    rows = {row[0]: row for row in effect_rows(comparison)}
    assert rows["full"][3:] == ("+9.5 (-3, 38)", "worse in 2, better in 1, level in 1 of 4 conditions")
    assert rows["diag"][4] == "worse in 4 of 4 conditions"
    group = next(each for each in comparison.sections[0].groups if each.settings["clusterer.n_components"] == 1)
    assert group.versus_best.verdict is Verdict.SINGLE


def test_many_conditions_with_one_run_each_never_make_an_interval():
    runs = [
        run({"derivative_error": 1e-9 * (k + 1) * (3 if name == "b" else 1)}, differentiator=name, problem=f"p{k}")
        for name in "ab"
        for k in range(12)
    ]
    comparison = compare(runs)
    assert "95 %" not in everything_said(comparison)
    assert effect_rows(comparison)[0][3:] == ("×3", "worse in 12 of 12 conditions")


def test_each_condition_is_judged_by_its_own_repetitions():
    def value(a, k, s):
        return 100.0 * k + s + (0.0 if a == "a" else 5.0 if k == 2 else 1.5 if s % 2 else -1.0)

    runs = [run({"bic": value(a, k, s)}, a=a, k=k, seed=s) for a in "ab" for k in (1, 2) for s in range(12)]
    (row,) = (row for row in effect_rows(compare(runs, ["bic"])) if row[0] == "b")
    assert row[4] == "worse in 1, level in 1 of 2 conditions"


def test_by_some_keys_all_else_is_a_condition():
    runs = [run({"bic": float(10 * k + (a == "y"))}, a=a, k=k, seed=0) for a in "xy" for k in range(8)]
    comparison = compare(runs, by=["a"])
    (group,) = comparison.sections[0].groups[1:]
    assert group.versus_best.n_conditions == 8
    assert not group.summaries["bic"].has_interval
    assert evidence(group.versus_best) == "worse in 8 of 8 conditions"
    asked = compare(runs, over=["k"]).sections[0].groups[1]
    assert asked.versus_best.n_conditions == 1
    assert asked.summaries["bic"].has_interval


def test_choices_that_were_not_tried_on_all_that_was_given_are_named_and_come_last():
    def trial(name, dataset, value):
        return seeds(3, lambda s: value + s, clusterer=name, dataset=dataset)

    runs = trial("a", "one", 1.0) + trial("b", "one", 5.0) + trial("b", "two", 5.0) + trial("c", "two", 9.0)
    comparison = compare(runs)
    first, *others = headline(comparison)
    assert first.startswith("b is best, or level with the best, on 1 of 2 datasets")
    assert "Tried on some datasets only, and not ranked over all: a on 1 of 2; c on 1 of 2." in others
    apart = trial("a", "one", 1.0) + trial("b", "one", 5.0) + trial("c", "two", 5.0) + trial("d", "two", 9.0)
    assert headline(compare(apart))[0] == (
        "No combination of choices ran on all 2 datasets. Best by bic (lower is better): a on one; c on two."
    )


# --- sentences -------------------------------------------------------------------------------------------------------


def test_the_table_says_which_is_faster_by_how_much_and_how_sure_that_is():
    ratios = [1.7, 1.75, 1.8, 1.8, 1.85, 1.9, 1.72, 1.88, 1.79, 1.81]
    runs = [
        run(
            {"derivative_error": 0.0, "time.seconds": 0.01 * factor},
            timing=rounds(0.01 * factor),
            differentiator=name,
            seed=seed,
        )
        for seed, ratio in enumerate(ratios)
        for name, factor in (("tape", 1.0), ("dual", ratio))
    ]
    assert "dual | tape | time.seconds | ×1.8 [1.72, 1.88] | worse, 10 pairs" in effects(compare(runs))
    assert "dual | tape | derivative_error | equal | 10 pairs" in effects(compare(runs))


def test_one_choice_is_compared_all_else_being_equal():
    runs = [
        run(
            {"bic": 100.0 * k + (5 if c == "full" else 0) + noise(0.01)(s)},
            clusterer__covariance_type=c,
            clusterer__n_components=k,
            seed=s,
        )
        for c in ("full", "tied")
        for k in (1, 2, 3)
        for s in range(4)
    ]
    (row,) = (each for each in effects(compare(runs)) if "full" in each)
    assert row == "full | tied | bic | +5 | worse in 3 of 3 conditions"


def test_choices_without_a_partner_are_not_paired_with_somebody_elses():
    runs = [run({"adjusted_rand_index": 0.1 * k}, clusterer="gmm", clusterer__n_components=k, seed=0) for k in (1, 2)]
    runs += [run({"adjusted_rand_index": 0.2 * k}, clusterer="kmeans", clusterer__n_clusters=k, seed=0) for k in (1, 2)]
    assert not any("gmm" in sentence and "kmeans" in sentence for sentence in effects(compare(runs)))


def test_single_times_without_warmup_are_never_said_to_be_faster():
    runs = [
        run({"bic": 1.0, "time.seconds": 15.9 if k == 2 else 1.0}, seed=0, clusterer__n_components=k) for k in (2, 3)
    ]
    assert not any("time" in row for row in effects(compare(runs)))
    by_time = compare(runs, ["time.seconds"])
    assert effects(by_time) == []
    assert "n_components=3 is best by time.seconds" in headline(by_time)[0]
    (caution,) = (
        sentence for sentence in headline(by_time) if "these times are single measurements without warm-up" in sentence
    )
    assert "timing.repeats=20 timing.paired=true" in caution


def test_times_of_rounds_are_told_without_a_caution():
    def timed(name, seconds):
        return run({"bic": 1.0, "time.seconds": seconds}, timing=rounds(seconds, "b"), seed=0, clusterer=name)

    runs = [timed("a", 2.0), timed("b", 1.0)]
    assert "a | b | time.seconds | ×2 | worse, 3 pairs, the same in each" in effects(compare(runs))
    said = headline(compare(runs, ["time.seconds"]))
    assert "Next: a, ×2 (worse, 3 pairs, the same in each)." in said
    assert not any("Take care" in sentence for sentence in said)


def test_where_some_runs_were_timed_speed_is_told_of_these_only():
    runs = [
        *(
            run({"bic": 1.0, "time.seconds": t}, timing=rounds(t, "b"), seed=0, clusterer=c)
            for c, t in (("a", 2.0), ("b", 1.0))
        ),
        run({"bic": 1.0, "time.seconds": 0.1}, seed=0, clusterer="c"),
    ]
    (row,) = (each for each in effects(compare(runs)) if "time.seconds" in each)
    assert row.startswith("a | b | time.seconds | ×2")
    assert any(
        "the times of 1 of 3 runs are single measurements" in each for each in headline(compare(runs, ["time.seconds"]))
    )


@pytest.mark.parametrize("metric", ["bic", "derivative_error"])
def test_a_run_without_a_number_is_told_in_words_and_in_the_legend(metric):
    def value(base, lost):
        return lambda s: math.nan if s == lost else base + s / 100

    # as differences and as ratios, and whichever of the two is set against the other
    for names in (("a", "b"), ("b", "a")):
        good, bad = names
        runs = seeds(8, value(1.0, None), metric, clusterer=good) + seeds(8, value(2.0, 3), metric, clusterer=bad)
        runs = sorted(runs, key=lambda each: each.params["clusterer"])
        comparison = compare(runs, [metric], by=["clusterer"])
        (row,) = effects(comparison)
        assert row.endswith("worse, 8 pairs, 1 without a number")
        group = comparison.sections[0].groups[1]
        assert summary_text(group.summaries[metric], comparison.primary) == "2.045 [2, –], 1 no number"
        assert versus(group.versus_best).endswith(", –]")
        assert "no number counts as worst; – is the end of an interval that includes such runs" in legend(comparison)


def test_the_headline_says_how_many_runs_of_the_best_have_no_number():
    runs = seeds(8, lambda s: math.nan if s == 3 else 1.0 + s, clusterer="a") + seeds(
        8, lambda s: 50.0 + s, clusterer="b"
    )
    comparison = compare(runs)
    assert headline(comparison)[0].endswith(
        "the median of 8 runs, 1 of them without a number, which counts as worst (lower is better)."
    )
    assert effects(comparison)[0].endswith("8 pairs, 1 without a number")


def test_a_better_one_by_ratio_against_one_without_a_number_has_an_open_interval():
    found = difference(
        [(1.0 + k / 10, math.nan if k == 0 else 4.0) for k in range(8)], metric=meanings({})["derivative_error"]
    )
    assert versus(found) == "×0.338 [–, 0.425]"
    assert evidence(found) == "better, 8 pairs, 1 without a number"


@pytest.mark.parametrize("better", ["lower", "higher"])
@pytest.mark.parametrize("by_ratio", [True, False])
def test_what_is_not_a_number_counts_as_worst_whichever_way_is_better(better, by_ratio):
    metric = Meaning("speed", better, by_ratio=by_ratio)
    lost = difference([(math.nan, 2.0 + k) for k in range(6)], metric=metric)
    assert (lost.verdict, lost.n_worse, lost.is_worse) == (Verdict.WORSE, 6, True)
    won = difference([(2.0 + k, math.inf) for k in range(6)], metric=metric)
    assert (won.verdict, won.n_better, won.is_worse) == (Verdict.BETTER, 6, False)


def test_without_broken_values_nothing_is_said_of_numbers():
    runs = seeds(8, lambda s: 1.0 + s, clusterer="a") + seeds(8, lambda s: 50.0 + s * s, clusterer="b")
    comparison = compare(runs)
    said = [*headline(comparison), *effects(comparison), legend(comparison)]
    assert not any("number" in text or "–" in text for text in said)


def test_the_header_names_all_that_is_repeated_over():
    runs = [
        run({"bic": 1.0 * k}, clusterer=c, clusterer__n_components=k, clusterer__random_state=s, seed=s)
        for c in ("a", "b")
        for k in (1, 2)
        for s in range(8)
    ]
    assert counts(compare(runs)).endswith("repeated over 8 values of seed")
    assert counts(compare(runs, over=["clusterer"])).endswith(
        "repeated over 2 values of clusterer and 8 values of seed"
    )


def test_a_random_state_of_its_own_is_named_beside_the_seed():
    runs = [run({"bic": 1.0}, clusterer__random_state=r, seed=s) for r in (5, 6, 7) for s in range(2)]
    assert counts(compare(runs)).endswith("repeated over 3 values of random_state and 2 values of seed")


def timed_in(block, seconds, **params):
    return run({"time.seconds": seconds}, timing=rounds(seconds, block), **params)


@pytest.mark.parametrize("other", [None, "another"])
def test_runs_not_timed_in_turns_with_the_others_are_named_when_ranked_by_time(other):
    runs = [
        timed_in(other if name == "c" and seed == 1 else f"block {seed}", seconds, seed=seed, differentiator=name)
        for name, seconds in (("a", 1.0), ("b", 2.0), ("c", 3.0))
        for seed in range(3)
    ]
    cautions = [each for each in headline(compare(runs, ["time.seconds"])) if "in turns" in each]
    assert cautions == [
        "Take care: these were not timed in turns with the others: c. reuse=false times all of them again."
    ]


@pytest.mark.parametrize("blocks", [("one", "two"), (None, None)])
def test_runs_timed_in_turns_with_those_they_are_set_against_need_no_caution(blocks):
    runs = [
        timed_in(block, seconds, seed=0, problem=problem, differentiator=name)
        for problem, block in zip("pq", blocks, strict=True)
        for name, seconds in (("a", 1.0), ("b", 2.0))
    ]
    assert not any("in turns" in sentence for sentence in headline(compare(runs, ["time.seconds"])))


def test_runs_that_agree_in_all_are_paired_each_with_another_one_in_their_order():
    ones = [run({"bic": value}, seed=0) for value in (1.0, 2.0, 3.0)]
    references = [run({"bic": value}, seed=0) for value in (10.0, 20.0)]
    assert pair_up(ones, references, meanings({})["bic"], ["seed"]) == [(1.0, 10.0), (2.0, 20.0)]


def test_no_run_is_the_partner_of_two():
    ones = [run({"bic": 10.0 + each}, seed=seed) for seed in (0, 1) for each in range(3)]
    references = [run({"bic": 20.0 + seed}, seed=seed) for seed in (0, 1)]
    assert pair_up(ones, references, meanings({})["bic"], ["seed"]) == [(10.0, 20.0), (10.0, 21.0)]

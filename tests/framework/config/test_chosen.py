"""What a config chooses several of: built under their paths, checked against the task, and counted or not."""

import copy
from dataclasses import dataclass

import pytest

import gradmix
from gradmix import ConfigError, PluginError, UnknownNameError
from gradmix.config.build import Built
from gradmix.config.spec import read_spec
from gradmix.config.trust import check_trust

CONFIG = {
    "name": "trial",
    "seed": 3,
    "task": {"name": "cluster"},
    "clusterer": {"name": "gmm"},
    "dataset": {"name": "old_faithful"},
}
DIFFERENTIATE = {
    "name": "trial",
    "task": {"name": "differentiate"},
    "differentiator": {"name": "dual"},
    "problem": {"name": "cubic"},
}
WATCHING = {"name": "notify", "url": "https://example.org"}


def changed(config=CONFIG, **changes):
    return {**copy.deepcopy(config), **changes}


def key(**changes):
    return read_spec(changed(**changes)).run_key


def silhouette(**options):
    return {"silhouette": {"name": "silhouette", **options}}


def patience(**options):
    return {"patience": {"name": "patience", **options}}


@pytest.fixture
def offer(monkeypatch):
    """Have a config find classes of a test's own."""
    from gradmix.config import chosen

    def offer(**classes):
        original = chosen.build

        def build(kind, node, where):
            if node["name"] not in classes:
                return original(kind, node, where)
            return Built(classes[node["name"]](), node, {"": f"{node['name']} 1.0"})

        monkeypatch.setattr(chosen, "build", build)

    return offer


@dataclass
class Strict(gradmix.Events):
    """Must not fail."""

    must = True

    def iteration(self):
        pass


@dataclass
class Loose(gradmix.Events):
    """Only watches."""

    def iteration(self):
        pass

    def content(self):
        return ("what it reads",)


@pytest.mark.parametrize(
    "changes",
    [
        {"metric": silhouette()},
        {"metric": silhouette(sample_size=100)},
        {"metric": {"davies_bouldin": {"name": "davies_bouldin"}}},
        {"events": patience()},
        {"events": patience(rounds=2)},
        {"events": {"strict": {"name": "strict"}}},
    ],
)
def test_what_may_change_the_result_is_part_of_the_key(changes, offer):
    offer(strict=Strict)
    others = [{"metric": silhouette()}, {"metric": silhouette(sample_size=100)}, {"events": patience()}, {}]
    assert all(key(**changes) != key(**each) for each in others if each != changes)


@pytest.mark.parametrize("events", [{"loose": {"name": "loose"}}, {"notify": WATCHING}, {}, None])
def test_who_only_watches_is_no_part_of_the_key(events, offer):
    offer(loose=Loose)
    assert key(events=events) == key()
    assert key(events={**patience(), **(events or {})}) == key(events=patience())


def test_their_order_does_not_matter():
    both = {**silhouette(), "davies_bouldin": {"name": "davies_bouldin"}}
    assert key(metric=both) == key(metric=dict(reversed(both.items())))


def test_their_plugins_are_part_of_the_key(offer, monkeypatch):
    before = key(events=patience())
    monkeypatch.setattr("gradmix.config.chosen.Chosen.identities", property(lambda chosen: {"events.x": "other 2.0"}))
    assert key(events=patience()) != before


def test_params_name_what_counts(offer):
    spec = read_spec(changed(metric=silhouette(), events={**patience(), "notify": WATCHING}))
    assert spec.params["metric.silhouette"] == "silhouette"
    assert spec.params["metric.silhouette.random_state"] is None
    assert spec.params["events.patience.rounds"] == 5
    assert not any("notify" in name for name in spec.params)
    assert {"metric.silhouette", "events.patience"} < spec.plugins.keys()
    assert not any("notify" in path for path in spec.plugins)
    assert spec.label == "gmm on old_faithful"


def test_one_component_may_be_chosen_twice_under_names_of_its_own():
    metric = {"all": {"name": "silhouette"}, "some": {"name": "silhouette", "sample_size": 50}}
    spec = read_spec(changed(metric=metric))
    assert spec.metrics.components["some"].sample_size == 50
    assert spec.params["metric.all"] == spec.params["metric.some"] == "silhouette"


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        (changed(metric={"silhouete": {"name": "silhouete"}}), UnknownNameError, "Did you mean silhouette"),
        (changed(metric=silhouette(sample=1)), UnknownNameError, "Did you mean metric.silhouette.sample_size"),
        (changed(metric=silhouette(sample_size=0)), ConfigError, "metric.silhouette.sample_size must be an integer"),
        (changed(events=patience(rounds="x")), ConfigError, "events.patience.rounds must be an integer > 0"),
        (changed(events={"patience": {"rounds": 3}}), ConfigError, r"not chosen. Choose it by events=\[patience\]"),
        (changed(events="patience"), ConfigError, r"events must be chosen by events=\[NAME,…\]"),
        (changed(events={"notify": {"name": "notify"}}), ConfigError, "events.notify.url must be given"),
        (changed(metric={"bic": {"name": "silhouette"}}), ConfigError, "a metric of this name already"),
        (changed(metric={"time": {"name": "silhouette"}}), ConfigError, "a metric of this name already"),
        (changed(events=patience(), timing={"repeats": 3}), ConfigError, "timing repeats the whole work"),
        (
            changed(DIFFERENTIATE, metric=silhouette()),
            ConfigError,
            r"needs data, groups, which is not in the answer of the task Differentiate. The answer has: computed, ",
        ),
        (changed(DIFFERENTIATE, events=patience()), ConfigError, "the task Differentiate improves none"),
        (
            changed(DIFFERENTIATE, events={"silhouette_plot": {"name": "silhouette_plot"}}),
            ConfigError,
            "its method pictures takes data, groups, which is not available",
        ),
    ],
)
def test_what_does_not_fit_is_explained(config, error, message):
    with pytest.raises(error, match=message):
        read_spec(config)


def test_a_misspelt_argument_is_found_before_the_run(offer):
    class Misspelt(gradmix.Events):
        def iteration(self, iteratoin):
            pass

    offer(misspelt=dataclass(Misspelt))
    with pytest.raises(ConfigError, match=r"takes iteratoin, .* Did you mean iteration\?"):
        read_spec(changed(events={"misspelt": {"name": "misspelt"}}))


def test_a_misspelt_method_is_found_before_the_run(offer):
    class Deaf(gradmix.Events):
        def iterations(self, iteration):
            pass

    offer(deaf=dataclass(Deaf))
    with pytest.raises(PluginError, match="is never called: its class overrides none of iteration, pictures"):
        read_spec(changed(events={"deaf": {"name": "deaf"}}))


def test_what_a_file_must_not_set_is_looked_for_in_all_of_them():
    spec = read_spec(changed(events={"notify": WATCHING}))
    with pytest.raises(ConfigError, match=r"events\.notify\.url: '…' is a place to which a run would"):
        check_trust(spec, ["events=[notify]", "events.notify.about=all"])
    check_trust(read_spec(changed(metric=silhouette())), [])


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("events", {"notify": "https://x"}, r"Did you mean events\.notify\.url=https://x\?|it has: "),
        ("events", {"patience": 3}, r"Write events\.patience\.OPTION=3; it has: min_delta, rounds"),
        ("metric", {"silhouette": 50}, r"metric\.silhouette=50 does not specify an option of silhouette"),
        ("metric", {"no_such": 50}, r"metric\.no_such=50 does not specify an option of no_such\.$"),
    ],
)
def test_a_value_in_place_of_options_is_answered_by_the_option_that_is_meant(kind, given, message):
    with pytest.raises(ConfigError, match=message):
        read_spec(changed(**{kind: given}))


def test_an_option_with_the_name_of_its_events_is_the_one_that_is_meant(monkeypatch):
    from gradmix.config import chosen

    class Entry:
        def load(self):
            return make_target()

    class Known:
        def offers(self, kind, name):
            return (Entry(),)

        def find(self, kind, name):
            return Entry()

    monkeypatch.setattr(chosen, "registry", Known)
    with pytest.raises(ConfigError, match=r"Did you mean events\.target\.target=-1000\?"):
        read_spec(changed(events={"target": -1000}))


def make_target():
    @dataclass
    class Target(gradmix.Events):
        """Stops at a target."""

        target: float = 0.0
        patience: int = 1

    return Target

"""Hydra's side: every component is an option of its group, and a sweep's jobs are composed as Hydra composes them."""

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from hypothesis import given, settings
from hypothesis import strategies as st

from gradmix import GradmixError, UnknownNameError
from gradmix.config.composer import composing
from gradmix.config.composition import ComposedOnce, plain_config
from gradmix.config.explain import explained
from gradmix.config.files import config_folder
from gradmix.config.source import ComponentSearchPath, Request
from gradmix.config.spec import read_spec
from gradmix.registry.registry import registry


@pytest.fixture(autouse=True, scope="module")
def component_source():
    Plugins.instance().register(ComponentSearchPath)


def composed(*overrides):
    with initialize_config_dir(str(config_folder()), version_base="1.3"), explained():
        return compose("config", list(overrides))


GROUPS = {"clusterer": "cluster", "dataset": "cluster", "differentiator": "differentiate", "problem": "differentiate"}
NEEDED = {"file": "dataset.path=data.csv", "python": "problem.path=math:sin"}


@pytest.mark.parametrize("entry", [entry for entry in registry() if entry.kind in GROUPS], ids=lambda entry: entry.name)
def test_every_component_composes_and_builds(entry, installed):
    installed(entry)
    overrides = [f"task={GROUPS[entry.kind]}", f"{entry.kind}={entry.name}", *filter(None, [NEEDED.get(entry.name)])]
    spec = read_spec(plain_config(composed(*overrides)))
    assert spec.params[entry.kind] == entry.name
    assert isinstance(getattr(spec.task, entry.kind), entry.load())


def test_the_defaults_are_gmm_on_old_faithful():
    spec = read_spec(plain_config(composed()))
    assert spec.label == "gmm on old_faithful"
    assert spec.params["clusterer.covariance_type"] == "full"
    assert spec.params["clusterer.n_components"] == 2
    assert spec.settings.tracking.uri == "sqlite:///runs/mlflow.db"


def test_a_seed_left_open_is_the_runs_seed():
    params = read_spec(plain_config(composed("seed=7", "dataset=mixture"))).params
    assert params["clusterer.random_state"] == params["dataset.random_state"] == 7
    params = read_spec(plain_config(composed("seed=7", "clusterer.random_state=3"))).params
    assert params["clusterer.random_state"] == 3


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("clusterer.n_component=3", "Did you mean clusterer.n_components?"),
        ("clusterer=gmmm", "unknown clusterer 'gmmm'. Did you mean gmm?"),
        ("datset=iris", "Did you mean dataset?"),
        ("tracking=locl", "Did you mean local?"),
        ("tracking.urii=x", "Did you mean tracking.uri?"),
        ("differentiator=dual", "this task has no differentiator"),
        ("x", "cannot read the override 'x'"),
        ("events.notify.url=http://h/?a=b", "Quote the value: 'events.notify.url=\"http://h/?a=b\"'"),
        ("=3", "override"),
        ("clusterer.n_components=1,2", "run a sweep: gradmix run -m"),
        ("events=[patienc]", "unknown events 'patienc'. Did you mean patience?"),
        ("metric=silhouete", "unknown metric 'silhouete'. Did you mean silhouette?"),
        ("events.patience.rounds=2", "patience is not chosen. Choose it by events=[patience]"),
        ("events={patience:1}", "events is chosen by name: events=[NAME,…], or events=NAME"),
        ("events=null", "[] chooses none, as in events=[]"),
        ("~events", "nothing to remove: no events is selected"),
        ("events.patienc.rounds=2", "unknown events 'patienc'. Did you mean patience?"),
        ("metric=silhouette,davies_bouldin", "To give one list, write 'metric=[silhouette,davies_bouldin]'"),
    ],
)
def test_hydras_errors_are_retold(override, message):
    with pytest.raises(GradmixError) as caught:
        composed(override)
    assert message in str(caught.value)


def test_an_option_that_chosen_events_lack_is_retold():
    with pytest.raises(UnknownNameError) as caught:
        composed("events=[patience]", "events.patience.round=2")
    assert "Did you mean events.patience.rounds? Options of events.patience:" in str(caught.value)


def test_an_experiment_that_does_not_suit_the_task_is_named():
    with pytest.raises(
        UnknownNameError, match=r"experiment/kmeans_or_mixture: dataset=… does not apply: this task has"
    ):
        composed("experiment=kmeans_or_mixture", "task=differentiate")


@pytest.mark.parametrize("chosen", ["metric=[silhouette]", "metric=silhouette"])
def test_several_or_one_may_be_chosen(chosen):
    spec = read_spec(plain_config(composed(chosen, "metric.silhouette.sample_size=50", "seed=7")))
    assert list(spec.metrics.components) == ["silhouette"]
    assert spec.metrics.components["silhouette"].sample_size == 50
    assert spec.metrics.components["silhouette"].random_state == 7
    assert spec.events.components == {}


@pytest.mark.parametrize("kind", ["metric", "events"])
def test_a_config_of_ones_own_is_told_what_it_lacks(kind, tmp_path):
    (tmp_path / "mine.yaml").write_text("defaults:\n  - task: cluster\n  - _self_\nname: mine\n")
    with (
        pytest.raises(UnknownNameError, match=rf"defaults list has no `- {kind}: \[\]`"),
        initialize_config_dir(str(tmp_path), version_base="1.3"),
        explained(),
    ):
        compose("mine", [f"{kind}=[x]"])


def test_an_experiment_may_choose_them(tmp_path):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /events: [patience]\nevents:\n  patience:\n    rounds: 9\n"
    )
    search = f"hydra.searchpath=[file://{tmp_path}]"
    spec = read_spec(plain_config(composed(search, "experiment=mine", "events.patience.min_delta=0.5")))
    assert spec.params["events.patience.rounds"] == 9
    assert spec.params["events.patience.min_delta"] == 0.5


def test_an_option_given_besides_several_components_belongs_to_each_of_them():
    with composing(Request(("clusterer=kmeans,sklearn_kmeans", "clusterer.n_clusters=3"), is_sweep=True)) as composer:
        composer.compose()
        assert composer.overrides == ["clusterer=kmeans,sklearn_kmeans", "clusterer.n_clusters=choice(3)"]


@pytest.fixture(scope="module")
def loader():
    return ConfigLoaderImpl(config_search_path=create_config_search_path(str(config_folder())))


@pytest.fixture(scope="module")
def master(loader):
    config = loader.load_configuration("config", [], run_mode=RunMode.MULTIRUN)
    config.hydra.overrides.task = []
    return config


def check(jobs, loader, master):
    """Check jobs that are composed once against Hydra's."""
    ours = ComposedOnce(loader)
    for job in jobs:
        try:
            expected = plain_config(loader.load_sweep_config(master, list(job)), job)
        except Exception as error:
            with pytest.raises(type(error)):
                ours.compose(master, tuple(job))
            continue
        assert ours.compose(master, tuple(job)) == expected


def test_some_jobs_composed_once_are_what_hydra_composes(loader, master):
    same = ["clusterer=kmeans", "dataset=mixture"]
    check([[*same, "seed=3"], [*same, "clusterer.n_init=4"], ["+clusterer.extra=1"], ["clusterer.n=3"]], loader, master)


JOBS = st.lists(
    st.sampled_from(
        [
            *("clusterer=kmeans", "clusterer=gmm", "dataset=iris", "dataset=mixture", "seed=3", "name=other"),
            *("clusterer.n_init=4", "+clusterer.extra=1", "++clusterer.n_init=5", "dataset.standardise=true"),
            *("task=differentiate", "runs_dir='a b'", "clusterer.random_state=null", "~tracking.artifacts"),
            *("events=[patience]", "events=patience", "metric=[silhouette,davies_bouldin]", "metric=[]"),
            *("clusterer.k=5", "clusterer.n_components=4", "clusterer.n_clusters=3", "++clusterer.k=6"),
            *("events.patience.rounds=2", "metric.silhouette.sample_size=9", "events={}", "+metric=[silhouette]"),
            *("dataset.means=[[0,0],[1,1]]", "clusterer.nonsense=3", "experiment=covariances", "tracking.uri=null"),
        ]
    ),
    max_size=4,
    unique_by=lambda override: override.lstrip("+~").partition("=")[0],
)


@pytest.mark.slow
@pytest.mark.no_cover
@settings(max_examples=40)
@given(jobs=st.lists(JOBS, min_size=1, max_size=3))
def test_jobs_composed_once_are_what_hydra_composes(loader, master, jobs):
    check(jobs, loader, master)

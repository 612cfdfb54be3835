from gradmix.config.spec import read_settings
from gradmix.runs import environment
from gradmix.runs.environment import timings_key


def test_times_of_another_meaning_are_not_reused(monkeypatch):
    settings = read_settings({"name": "trial"})
    before = timings_key(settings)
    assert timings_key(settings) == before
    monkeypatch.setattr(environment, "TIMES_MEAN", environment.TIMES_MEAN + 1)
    assert timings_key(settings) != before

"""The page, as a browser shows it. The browser is headless Chromium; without it these tests are skipped."""

import html
import json
import re
from html.parser import HTMLParser

import pytest

from browser import needs_browser, opened
from gradmix.reports.comparison import compare
from gradmix.reports.comparison_page import json_for_script, write_page
from gradmix.sweeps.reading import read_sweep
from made_journals import job, write_run, write_sweep

EVIL = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"


@pytest.fixture
def sweep(tmp_path):
    """A sweep over two options and seeds, with curves and times, a failure, and labels that bite."""
    folder, jobs = tmp_path / "runs" / "exp" / "2026-01-01_00-00-00-sweep", []
    settings = [(c, k, s) for c in ("full", "tied", EVIL) for k in (1, 2, 3) for s in range(6)]
    for number, (covariance, k, seed) in enumerate(settings):
        params = {
            "clusterer": "gmm",
            "clusterer.covariance_type": covariance,
            "clusterer.n_components": k,
            "seed": seed,
        }
        value = -100.0 + k - seed / 7
        metrics = {"bic": 200.0 + k + seed / 7, "log_likelihood": value, "time.seconds": 0.01 * k + seed / 1e4}
        status = "failed" if number == 4 else "finished"
        metrics["bic"] = "nan" if number == 5 else metrics["bic"]
        curve = [value - 10 / step for step in range(1, 6)]
        run = write_run(folder / str(number), params, metrics, status=status, curve=curve, at=number)
        mark = {"uri": "sqlite:////x/mlflow.db", "experiment_id": "7", "run_id": f"m{number}", "store": ""}
        (run / "tracked.json").write_text(json.dumps(mark))
        jobs.append(job(number, status=status, error=EVIL if status == "failed" else ""))
    return write_sweep(folder, jobs)


@pytest.fixture
def page(sweep, tmp_path):
    """The page of that sweep."""
    path = tmp_path / "page.html"
    write_page(compare(read_sweep(sweep).runs), f"exp {EVIL}", path)
    return path


@needs_browser
def test_the_page_draws_its_plots_and_lists_its_runs(page, tmp_path):
    dom = opened(page, tmp_path / "profile")
    assert 'data-state="drawn"' in dom
    for figure in ("heat", "option", "curves", "cost"):
        (card,) = re.findall(rf'<section class="figure" id="figure-{figure}">(.*?)</section>', dom, flags=re.S)
        assert "main-svg" in card
        assert "no-data" not in card
    assert "heatmaplayer" in dom
    assert len(re.findall(r'class="scatterlayer', dom)) >= 3
    (runs,) = re.findall(r'<table id="runs-table">(.*?)</table>', dom, flags=re.S)
    assert runs.count("<tr") == 1 + 54
    assert runs.count('class="failed"') == 1
    assert "http://127.0.0.1:5000/#/experiments/7/runs/m3" in runs
    assert 'href="runs/exp/2026-01-01_00-00-00-sweep/3/"' in runs


@needs_browser
def test_what_a_journal_says_is_never_run(page, tmp_path):
    dom = opened(page, tmp_path / "profile")
    assert "<title>taken" not in dom
    assert '<img src="x"' not in dom


@needs_browser
@pytest.mark.slow
def test_a_thousand_curves_are_drawn(tmp_path):
    folder = tmp_path / "runs" / "exp" / "2026-sweep"
    for number in range(1000):
        params = {"clusterer": "gmm", "clusterer.n_components": number % 20, "seed": number // 20}
        curve = [-1000.0 - number - 50 / step for step in range(1, 101)]
        write_run(folder / str(number), params, {"bic": 1.0 * number, "log_likelihood": curve[-1]}, curve=curve)
    write_sweep(folder, [job(number) for number in range(1000)])
    write_page(compare(read_sweep(folder).runs), "thousand", tmp_path / "page.html")
    dom = opened(tmp_path / "page.html", tmp_path / "profile")
    assert 'data-state="drawn"' in dom
    assert "500" in dom
    assert "show all 1000" in dom


class Elements(HTMLParser):
    """The elements of a page that could load something, and its text outside of scripts."""

    def __init__(self):
        super().__init__()
        self.loading, self.policies, self.text, self._in = [], [], [], []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.loading += [given[name] for name in ("src", "href", "data", "action") if name in given]
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policies.append(given["content"])
        self._in.append(tag)

    def handle_endtag(self, tag):
        if tag in self._in:
            while self._in.pop() != tag:
                pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self._in):
            self.text.append(data)


def parsed(page):
    elements = Elements()
    elements.feed(page.read_text(encoding="utf-8"))
    return elements


def test_the_page_loads_nothing_and_may_load_nothing(page):
    elements = parsed(page)
    assert elements.loading == []
    assert elements.policies[0].startswith("default-src 'none'")
    assert "http" not in elements.policies[0]


def test_the_answer_stands_in_the_page_before_any_script(page):
    text = " ".join(parsed(page).text)
    assert "is best by bic" in text
    assert EVIL in html.unescape(text)  # as text, where it is said


@pytest.mark.parametrize(
    "value", ["</script>", "<!--", "]]>", "&amp;", "\u2028", float("nan"), [float("inf"), 1.5], {"<": ">"}]
)
def test_json_in_a_script_can_neither_end_it_nor_hold_what_is_no_number(value):
    text = json_for_script({"value": value})
    assert not {"<", ">", "&", "\u2028"} & set(text)
    read = json.loads(text, parse_constant=lambda name: pytest.fail(name))["value"]
    expected = None if value != value else [None, 1.5] if isinstance(value, list) else value
    assert read == expected


def test_runs_without_curves_or_options_have_no_empty_plots(tmp_path):
    folder = tmp_path / "2026-sweep"
    for number in range(3):
        write_run(folder / str(number), {"seed": number}, {"bic": 1.0})
    write_sweep(folder, [job(number) for number in range(3)])
    write_page(compare(read_sweep(folder).runs), "plain", tmp_path / "page.html")
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', (tmp_path / "page.html").read_text())
    assert json.loads(data[1])["figures"] == []


def test_the_last_word_of_a_script_is_not_in_plotly_itself(page):
    text = page.read_text(encoding="utf-8")
    assert text.count("<script") - text.count("<script>") == 1  # the data
    assert text.count("</script>") == 3

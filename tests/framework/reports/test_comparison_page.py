"""The page, as a browser shows it. The browser is headless Chromium; without it these tests are skipped."""

import html
import json
import re
from html.parser import HTMLParser

import pytest

from browser import needs_browser, opened
from gradmix.reports.comparison import compare
from gradmix.reports.comparison_page import write_page
from gradmix.sweeps.reading import read_sweep
from made_journals import job, write_run, write_seeds, write_sweep

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
def test_the_page_answers_to_a_pointer_and_lists_its_runs(page, tmp_path):
    dom = opened(page, tmp_path / "profile")
    assert 'data-state="ready"' in dom
    for figure in ("heat", "option", "curves", "cost"):
        (card,) = re.findall(rf'<section class="figure" id="figure-{figure}">(.*?)</section>', dom, flags=re.S)
        assert card.count("<svg") == card.count('class="ring"') >= 1
        assert "save as SVG" in card
        assert len(re.findall(r'<figure class="view"[^>]*hidden', card)) == card.count("<svg") - 1
    (runs,) = re.findall(r'<table id="runs-table">(.*?)</table>', dom, flags=re.S)
    assert runs.count("<tr") == 1 + 54
    assert runs.count('class="failed"') == 1
    assert "http://127.0.0.1:5000/#/experiments/7/runs/m3" in runs
    assert 'href="runs/exp/2026-01-01_00-00-00-sweep/3/"' in runs
    assert "54 of 54 runs, 1 without a result" in dom


POINT = """
<script>
{
  const card = document.getElementById("figure-option"), svg = card.querySelector("svg");
  const mark = svg.querySelector("[id*=series-][id$=points] use");
  const at = mark.getBoundingClientRect(), center = [at.x + at.width / 2, at.y + at.height / 2];
  svg.dispatchEvent(new PointerEvent("pointermove", { clientX: center[0], clientY: center[1], bubbles: true }));
  document.body.dataset.told = document.getElementById("tip").textContent;
  svg.querySelector("[id$=entry-0-text]").dispatchEvent(new MouseEvent("click", { bubbles: true }));
  document.body.dataset.gone = svg.querySelectorAll(".gone").length;
  const head = [...document.querySelectorAll("#runs-table th")].find((each) => each.textContent === "time.seconds");
  head.click(); head.click();
  document.body.dataset.slowest = document.querySelector("#runs-table tbody tr").cells[head.cellIndex].textContent;
}
</script>
"""


@needs_browser
def test_points_are_named_groups_hidden_and_runs_sorted_by_size(page, tmp_path):
    page.write_text(page.read_text().replace("</body>", POINT + "</body>"))
    dom = opened(page, tmp_path / "profile")
    (told,) = re.findall(r'data-told="([^"]*)"', dom)
    assert re.search(r"n_components=\d: 20\d(\.\d+)? .*n = [56]", told)
    assert int(re.findall(r'data-gone="(\d+)"', dom)[0]) >= 4  # a line and its three medians
    assert re.findall(r'data-slowest="([^"]*)"', dom) == ["30.5 ms"]


@needs_browser
def test_a_printed_page_has_its_tables_and_figures_in_full(page, tmp_path):
    printed = tmp_path / "page.pdf"
    opened(page, tmp_path / "profile", f"--print-to-pdf={printed}", "--no-pdf-header-footer")
    text = printed.read_bytes()
    assert text.startswith(b"%PDF")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", text)) <= 8


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
    assert (tmp_path / "page.html").stat().st_size < 1_500_000
    dom = opened(tmp_path / "page.html", tmp_path / "profile")
    assert 'data-state="ready"' in dom
    assert "show all 1000" in dom


class Elements(HTMLParser):
    """The elements of a page that could load something, and its text outside of scripts."""

    def __init__(self):
        super().__init__()
        self.loading, self.policies, self.text, self._in = [], [], [], []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        names = ("src", "data", "action", *(("href", "xlink:href") if tag != "a" else ()))  # a link is for a click
        self.loading += [given[name] for name in names if not given.get(name, "#").startswith(("#", "data:image/png;"))]
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


def test_all_is_there_without_scripts(page):
    source = re.sub(r"<script.*?</script>", "", page.read_text(encoding="utf-8"), flags=re.S)
    for figure in ("heat", "option", "curves", "cost"):
        assert f'id="figure-{figure}"' in source
    assert source.count("<svg") >= 4
    assert source.count("<tr") >= 54
    assert "54" in source


def test_the_page_is_small(page):
    assert page.stat().st_size < 700_000


def test_the_best_dot_is_on_the_left_whichever_way_is_better(tmp_path):
    for better in ("lower", "higher"):
        sweep = write_seeds(tmp_path / better, {"a": lambda s: 10.0 + s, "b": lambda s: 20.0 + s, "c": lambda s: 300.0})
        write_page(compare(read_sweep(sweep).runs, [f"bic:{better}"]), "dots", tmp_path / "page.html")
        dots = re.findall(r'class="dot" style="left:([\d.]+)%', (tmp_path / "page.html").read_text())
        assert [float(dot) for dot in dots] == sorted({float(dot) for dot in dots})
        assert len(dots) == 3


def test_medians_stand_with_their_number_and_interval(page):
    (table,) = re.findall(r'<table class="ranking">.*?</table>', page.read_text(), flags=re.S)
    (row,) = re.findall(r'<tr class="is-best">.*?</tr>', table, flags=re.S)
    assert '<td class="number">5 of 6</td>' in row
    assert row.count("<small>") == 3  # bic, its likelihood and its time


def test_runs_without_curves_or_options_have_no_empty_plots(tmp_path):
    folder = tmp_path / "2026-sweep"
    for number in range(3):
        write_run(folder / str(number), {"seed": number}, {"bic": 1.0})
    write_sweep(folder, [job(number) for number in range(3)])
    write_page(compare(read_sweep(folder).runs), "plain", tmp_path / "page.html")
    assert "<svg" not in (tmp_path / "page.html").read_text()


def test_no_script_ends_before_its_end(page):
    text = page.read_text(encoding="utf-8")
    assert text.count("<script") - text.count("<script>") == 1  # the data
    assert text.count("</script>") == 2

"""Every check says what it promises, and the page says it, too."""

from pathlib import Path

from gradmix.contracts.component import Component
from gradmix.registry.kinds import KINDS as CONTRACTS
from gradmix.testing.promises import up_to_date
from gradmix.testing.table import CHECKS, checks_of

PAGE = Path(__file__).parents[3] / "docs" / "check.md"


def test_the_page_is_up_to_date():
    page = PAGE.read_text(encoding="utf-8")
    assert page == up_to_date(page), "run python -m gradmix.testing.promises docs/check.md"


def test_every_check_has_a_name_of_its_own_and_a_promise():
    for kind in CHECKS:
        checks = checks_of(kind)
        assert len({check.name for check in checks}) == len(checks)
        assert all(check.promise.endswith(".") and check.group for check in checks)


def test_every_kind_is_checked_and_one_that_is_not_known_as_any_component():
    assert set(CHECKS) <= set(CONTRACTS)
    assert {check.group for check in checks_of("a kind to come")} == {"config", "import", "conduct"}
    assert issubclass(CONTRACTS["problem"], Component)

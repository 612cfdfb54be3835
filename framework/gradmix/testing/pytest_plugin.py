"""A plugin for pytest: ``pytest -p gradmix.testing.pytest_plugin --gradmix-check NAME`` checks a component."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gradmix.testing.check import Check
from gradmix.testing.checking import checks_for
from gradmix.testing.pytest_tests import report
from gradmix.testing.runner import Checker
from gradmix.testing.subject import subject


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option ``--gradmix-check``."""
    group = parser.getgroup("gradmix", "conformance of gradmix components")
    group.addoption(
        "--gradmix-check",
        action="append",
        default=[],
        metavar="NAME",
        help="also check this component: a registered name, file.py:Class or package.module:Class",
    )


def pytest_collection(session: pytest.Session) -> None:
    """Collect the components as test files are collected."""
    names = session.config.getoption("--gradmix-check")
    if names:
        session.config.pluginmanager.register(_Collected(names))


class _Collected:
    def __init__(self, names: list[str]) -> None:
        self.names = names

    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        for name in self.names:
            collector = _Component.from_parent(session, name=name, path=Path.cwd())
            items.extend(collector.collect())


class _Component(pytest.Collector):
    def collect(self) -> Iterator[Any]:
        found = subject(self.name)
        checker = Checker(found)
        for check in checks_for(found):
            yield _CheckItem.from_parent(self, name=check.name, check=check, checker=checker)


class _CheckItem(pytest.Item):
    def __init__(self, *, check: Check, checker: Checker, **what: Any) -> None:
        super().__init__(**what)
        self.check, self.checker = check, checker

    def runtest(self) -> None:
        report(self.checker(self.check))

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"{self.checker.subject.kind} {self.checker.subject.name}: {self.check.name}"

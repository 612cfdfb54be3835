"""``gradmix check``: test one component with the conformance kit."""

from __future__ import annotations

from collections.abc import Sequence

from gradmix.cli.parser import CommandParser

_DESCRIPTION = """\
Check that a component keeps its contract: an installed component by its name, or a class by its location. Options are
given as in a config."""
_EXAMPLES = """\
examples:
  gradmix check gmm
  gradmix check gmm n_components=3 covariance_type=tied
  gradmix check my_plugin.py:MyDifferentiator
  gradmix check tape --only jvp_and_vjp_are_dual --only hessian_is_right
  gradmix check clusterer --list          the checks of a kind

exit code: 0 on success, 1 if a check failed, 2 if nothing could be checked"""


def main(arguments: Sequence[str]) -> int:
    """Run the command; return the exit code."""
    parser = CommandParser("check", _DESCRIPTION, _EXAMPLES)
    add = parser.add_argument
    add("name", metavar="NAME", help="a component, path/to/file.py:Class, package.module:Class; for --list also a kind")
    add("options", nargs="*", metavar="OPTION=VALUE", help="options of the component")
    add("--kind", help="its kind, if components of several kinds have this name")
    add("--only", action="append", default=[], metavar="CHECK", help="run only this check; can be repeated")
    add("--seconds", type=float, default=60.0, metavar="S", help="how long a check may take (default: %(default)s)")
    add("--json", action="store_true", help="print the report as JSON")
    add("--list", action="store_true", help="list the checks, each with the promise that it tests")
    options = parser.parse_args(arguments)

    from gradmix.registry.registry import registry
    from gradmix.reports.conformance_table import ConformanceTable, print_checks
    from gradmix.testing.causes import causes_of
    from gradmix.testing.checking import checks_for
    from gradmix.testing.outcome import Report
    from gradmix.testing.places import options_from
    from gradmix.testing.runner import outcomes
    from gradmix.testing.subject import Subject, subject

    given = options_from(options.options)
    is_kind = options.list and options.name in registry().kinds
    found = Subject(options.name, "") if is_kind else subject(options.name, options.kind, **given)
    checks = checks_for(found, options.only)
    if options.list:
        print_checks(checks)
        return 0
    table = None if options.json else ConformanceTable(found)
    done = []
    for outcome in outcomes(found, checks, options.seconds):
        done.append(outcome)
        if table:
            table.add(outcome)
    report = Report(found.kind, found.name, given, tuple(done))
    if table:
        table.close(report, causes_of(found, report.outcomes))
    else:
        print(report.json())
    return 1 if report.failed else 0

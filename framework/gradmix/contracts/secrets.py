"""Secrets: values that no journal, artifact or page of MLflow may show.

A value is secret because of the name of its option (``…password``, ``…token``, ``…secret``, ``…api_key``) or the mark
`SendsTo` in the component's class. The user and password in an address are also secret.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

MASK = "***"
"""The text that replaces a secret wherever values are recorded or shown."""

_SECRET_NAME = re.compile(
    r"passw|passphrase|secret|credential|(api|access|account|auth|private|signing)[_-]?key|(^|[^a-z])(token|pwd)$",
    re.IGNORECASE | re.ASCII,
)
_USER_INFORMATION = re.compile(r"(?<=://)[^\s/?#'\"<>]+@")
_QUERY = re.compile(r"([?&]([\w.-]+)=)[^\s&#'\"<>]+")
_FROM_ENVIRONMENT = re.compile(r"\$\{oc\.env:[^,}]*\}")
_ARGUMENT = re.compile(r"([+~]*([\w./@:-]+)=)(.+)", re.DOTALL)
_INNER = re.compile(
    r"(([\w.-]+)['\"]?\s*:\s*)('(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|\[[^\]]*\]|[^\s,{}\[\]'\"][^,{}]*)"
)

_SHORTEST = 4
"""Shorter values are not replaced in running text, because they would match within ordinary words."""


@cache
def is_secret_name(name: str) -> bool:
    """Return whether an option of this name has a secret value, according to the last part of the name.

    >>> [is_secret_name(name) for name in ("events.notify.api_key", "dataset.token", "dataset.key", "max_tokens")]
    [True, True, False, False]
    """
    return _SECRET_NAME.search(re.split(r"[./]", name)[-1]) is not None


def masked(value: Any, hidden: Collection[str] = (), name: str = "") -> Any:
    """Replace every secret in plain values.

    Parameters
    ----------
    value
        Plain values, as in a journal. Strings in lists may be arguments of a command line.
    hidden
        Secret values that are also replaced within other texts, as `secret_values` returns them.
    name
        Name of the option that has the value.

    Examples
    --------
    >>> masked({"events.log.token": "abc", "uri": "http://me:pw@host:5000"})
    {'events.log.token': '***', 'uri': 'http://***@host:5000'}
    >>> masked(["seed=1", "events.log.token=abc"])
    ['seed=1', 'events.log.token=***']
    """
    if isinstance(value, Mapping):
        own = {key: is_secret_name(str(key)) for key in value}
        return {key: masked(each, hidden, str(key) if own[key] else name) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [
            masked_argument(each, hidden) if isinstance(each, str) and not name else masked(each, hidden, name)
            for each in value
        ]
    if name and is_secret_name(name) and value not in (None, "") and not isinstance(value, bool):
        return MASK
    return masked_text(value, hidden) if isinstance(value, str) else value


def masked_argument(argument: str, hidden: Collection[str] = ()) -> str:
    """Replace the secrets in a command-line argument, also within mappings; references to the environment stay.

    >>> masked_argument("+db.password=abc"), masked_argument("events={log: {token: abc, level: 2}}")
    ('+db.password=***', 'events={log: {token: ***, level: 2}}')
    >>> masked_argument("events.log.token=${oc.env:TOKEN}")
    'events.log.token=${oc.env:TOKEN}'
    """
    found = _ARGUMENT.fullmatch(argument)
    if found is None:
        return masked_text(argument, hidden)
    start, key, value = found.groups()
    if is_secret_name(key):
        return argument if value == "null" or _FROM_ENVIRONMENT.fullmatch(value.strip("'\"")) else f"{start}{MASK}"
    inner = _INNER.sub(lambda each: each[1] + MASK if is_secret_name(each[2]) else each[0], value)
    return start + masked_text(inner if value.lstrip().startswith(("{", "[")) else value, hidden)


def masked_text(text: str, hidden: Collection[str] = ()) -> str:
    """Replace the secret values in `hidden` in a text, and the secrets that are part of an address.

    >>> masked_text("cannot reach https://me:pw@example.org/x?token=abc&page=2")
    'cannot reach https://***@example.org/x?token=***&page=2'
    """
    for each in hidden:
        text = text.replace(each, MASK)
    if "@" in text:
        text = _USER_INFORMATION.sub(f"{MASK}@", text)
    if "=" in text:
        text = _QUERY.sub(lambda each: each[1] + MASK if is_secret_name(each[2]) else each[0], text)
    return text


def secret_values(values: Iterable[Any]) -> tuple[str, ...]:
    """Return the texts in secret values, longest first, in each spelling that an error or an address may contain."""
    texts = {text for value in values for text in _texts_in(value) if len(text) >= _SHORTEST and text != MASK}
    spelt = {each for text in texts for each in (text, repr(text)[1:-1], quote(text, safe=""), _escape(text))}
    return tuple(sorted(spelt, key=len, reverse=True))


def _escape(text: str) -> str:
    """Return a text as Hydra writes it in the overrides of a job."""
    return re.sub(r"([\\()\[\]{}:=, \t])", r"\\\1", text)


def secrets_in(arguments: Iterable[str]) -> tuple[str, ...]:
    """Return the secret values in command-line arguments, for use as `hidden`."""
    found = (_ARGUMENT.fullmatch(each) for each in arguments)
    return secret_values(each[3].strip("'\"") for each in found if each is not None and is_secret_name(each[2]))


def is_masked(value: Any) -> bool:
    """Return whether a recorded value, or any part of it, was secret and has been replaced."""
    return any(MASK in text for text in _texts_in(value))


def without_user(uri: str) -> str:
    """Return an address without user and password.

    >>> without_user("https://me:pw@example.org:5000")
    'https://example.org:5000'
    """
    return _USER_INFORMATION.sub("", uri)


def _texts_in(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts_in(each)

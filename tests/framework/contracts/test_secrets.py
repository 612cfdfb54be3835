"""What counts as secret, and that nothing of it is left."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradmix.contracts.secrets import (
    MASK,
    is_masked,
    is_secret_name,
    masked,
    masked_argument,
    masked_text,
    secret_values,
    secrets_in,
    without_user,
)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "password",
            "db.password",
            "DB_PASSWORD",
            "passwd",
            "events/log/passphrase",
            "token",
            "auth_token",
            "API-TOKEN",
        ),
        *("secret", "client_secret", "secret_value", "apikey", "api_key_file", "aws-access-key", "credentials"),
    ],
)
def test_names_of_secrets(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("max_tokens", "n_tokens", "keys", "monkey", "keyed", "token_count", "compass", "clusterer.n_components"),
        *("run_key", "timings_key", "key", "sort_key", "key.size", "secret.level"),
    ],
)
def test_names_that_only_sound_alike(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("a.token=abc", "a.token=***"),
        ("+a.token='a b,c'", "+a.token=***"),
        ("a.token=abc,def", "a.token=***"),
        ("++a@b.token=[x,y]", "++a@b.token=***"),
        ("a={token: abc, n: 3}", "a={token: ***, n: 3}"),
        ("a={b: {password: 'x, y}', n: 3}}", "a={b: {password: ***, n: 3}}"),
        ("a={'secret': [p, q], n: 3}", "a={'secret': ***, n: 3}"),
        ("tracking.uri=http://me:pw@host:5000/x", "tracking.uri=http://***@host:5000/x"),
        ("tracking.uri=http://host/?token=abc&n=3", "tracking.uri=http://host/?token=***&n=3"),
        ("a.token=null", "a.token=null"),
        ("a.token=${oc.env:TOKEN}", "a.token=${oc.env:TOKEN}"),
        ("'a.token=${oc.env:TOKEN,abc}'", "'a.token=${oc.env:TOKEN,abc}'"),
        ("a.token=${oc.env:TOKEN,abc}", "a.token=***"),
        ("seed=1", "seed=1"),
        ("--multirun", "--multirun"),
    ],
)
def test_arguments_without_their_secrets(argument, shown):
    assert masked_argument(argument) == shown
    assert masked_argument(shown) == shown


def test_values_are_masked_wherever_they_are_but_not_what_is_plain():
    plain = {
        "config": {"a": {"token": "abc", "n": 3, "pwd": None, "secret": {"deep": ["xyz", 7]}}},
        "params": {"a.token": "abc", "a.password": 12345},
        "overrides": ["a.token=abc"],
        "jobs": [["a.token=abc", "seed=1"]],
        "error": "no answer from https://me:pw@host",
    }
    shown = masked(plain)
    assert shown["config"]["a"] == {"token": MASK, "n": 3, "pwd": None, "secret": {"deep": [MASK, MASK]}}
    assert shown["params"] == {"a.token": MASK, "a.password": MASK}
    assert shown["jobs"] == [[f"a.token={MASK}", "seed=1"]]
    assert not any(secret in json.dumps(shown) for secret in ("abc", "12345", "xyz", "me:pw"))
    assert plain["params"]["a.token"] == "abc"


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=4))
def test_a_secret_value_is_found_in_every_spelling(secret):
    hidden = secret_values([secret])
    text = masked_text(f"given: {secret!r} at {secret}", hidden)
    assert secret not in text.replace(MASK, "") or secret in "given:  at "


def test_secrets_that_arguments_give_are_hidden_elsewhere_too():
    hidden = secrets_in(["a.password='hunter2'", "seed=1", "a.token=abc"])
    assert (
        masked_text("login with 'hunter2' failed; abc", hidden) == "login with '***' failed; abc"
    )  # short ones are not


def test_what_was_masked_is_known_to_be_so():
    assert is_masked({"a": ["x", {"b": MASK}]})
    assert not is_masked({"a": ["x", 3, None]})


def test_an_address_without_its_user():
    assert without_user("http://me:p@ss@host:1/x") == without_user("http://***@host:1/x") == "http://host:1/x"
    assert without_user("sqlite:////home/me@work/mlflow.db") == "sqlite:////home/me@work/mlflow.db"

"""Words that readers stumble over stay out of the documents and of the messages that users see."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STUMBLING = re.compile(r"\b(anew|nobody|somebody|(tells?|told|hears?) of|cannot be told|whole numbers?|for ever)\b")
OTHER_WORDS = re.compile(
    r"\b(an?|the|each|every|no|all|these|its) (configuration|dataset|hyper-?parameter|replicat(e|ion)|restart)s?\b",
    re.IGNORECASE,
)
"""Words for which the glossary has another one: config, data set, option, repetition, start."""
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
GENERATED = {"capabilities.md", "check.md", "reference.md"}
"""Documents made from the code, where `a dataset` is a component of that kind."""
WRITTEN = [document for document in DOCUMENTS if document.name not in GENERATED]
MODULES = sorted(path for folder in ("framework", "plugins") for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_are_in_plain_english(document):
    found = [line for line in document.read_text(encoding="utf-8").splitlines() if STUMBLING.search(line)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("document", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_keep_to_the_glossary(document):
    found = [match[0] for match in OTHER_WORDS.finditer(document.read_text(encoding="utf-8"))]
    assert not found


def test_docstrings_and_messages_keep_to_the_glossary():
    texts = [
        (f"{path.relative_to(ROOT)}:{node.lineno}", node.value)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    found = [f"{place}: {match[0]}" for place, text in texts for match in OTHER_WORDS.finditer(text)]
    assert not found, "\n".join(found)


def test_messages_are_in_plain_english():
    found = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and node.exc is not None:
                parts = [each.value for each in ast.walk(node.exc) if isinstance(each, ast.Constant)]
                text = "".join(part for part in parts if isinstance(part, str))
                if STUMBLING.search(text):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {text}")
    assert not found, "\n".join(found)

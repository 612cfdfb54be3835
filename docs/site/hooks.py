"""What the site has besides the documents in this folder: the README as its home, and pages that are lists of files."""

import re
import subprocess
import sys
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]


def on_files(files, config):
    """Make the README the home page; its links lead from here."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    beside = re.sub(r"\]\((?!docs/|https?:)", f"]({config.repo_url}/blob/main/", text)
    files.append(File.generated(config, "index.md", content=beside.replace("](docs/", "](")))
    return files


def on_page_markdown(markdown, page, **_):
    """Add what a page lists: the decisions, or the changes that are not released."""
    added = LISTS.get(page.file.src_uri)
    return f"{markdown}\n{added()}" if added else markdown


def decisions():
    """A line for each decision, with its title."""
    files = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    titles = [file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ") for file in files]
    return "\n".join(f"- [{title}]({file.name})" for file, title in zip(files, titles, strict=True))


def unreleased():
    """The fragments in ``docs/changes``, as the next release will show them."""
    draft = ["build", "--draft", "--version", "Unreleased", "--date", "next release"]
    return subprocess.run(
        [sys.executable, "-m", "towncrier", *draft], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


LISTS = {"decisions/README.md": decisions, "CHANGELOG.md": unreleased}

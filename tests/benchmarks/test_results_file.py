"""Each script replaces its own sections of the results, and nothing else."""

from __future__ import annotations

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "results_file.py"
SPEC = importlib.util.spec_from_file_location("results_file", SCRIPT)
assert SPEC is not None and SPEC.loader is not None
results_file = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(results_file)

BEFORE = "# Results\n\nabout\n\n## A\n\nfirst\n\n## A longer name\n\nkept\n\n## C\n\n| a |\n"


def test_a_section_is_replaced_where_it_stood(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    path.write_text(BEFORE, encoding="utf-8")
    results_file.replace_section("## A", ["new", "", "### part", ""], path=path)
    assert path.read_text(encoding="utf-8") == BEFORE.replace("first", "new\n\n### part")
    results_file.replace_section("# Results", ["other"], path=path)
    results_file.replace_section("## C", ["end"], path=path)
    assert path.read_text(encoding="utf-8") == (
        "# Results\n\nother\n\n## A\n\nnew\n\n### part\n\n## A longer name\n\nkept\n\n## C\n\nend\n"
    )


def test_a_new_section_goes_to_the_end_and_writing_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    for _ in range(2):
        results_file.replace_section("# Results", ["about"], path=path)
        results_file.replace_section("## É", ["| x |", ""], path=path)
        assert path.read_text(encoding="utf-8") == "# Results\n\nabout\n\n## É\n\n| x |\n"

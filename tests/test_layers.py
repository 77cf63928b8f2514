"""Imports go one way: faces -> assistant -> what it is made of -> the nouns."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = [
    {"datatypes", "errors", "settings"},
    {
        "reading",
        "chunking",
        "places",
        "markup",
        "embedding",
        "glossary",
        "language",
        "message_spelling",
        "analysis",
        "structure",
        "sentences",
        "stopwatch",
    },
    {"answering", "retrieval", "index"},
    {"assistant"},
    {"evaluation", "watching", "diagnosis"},  # use the assistant from outside, as a face would
    {"cli", "cli_conversation", "cli_output", "web", "__main__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
BLOCKS = {"assistant.web.chat", "assistant.web.sources", "assistant.web.theme"}  # made of Gradio
HEAVY = {"torch", "gradio", "faiss", "onnxruntime", "sentence_transformers", "transformers"}


def sources():
    """Module name -> tree of every module of the package."""
    found = {}
    for path in sorted((ROOT / "assistant").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


MODULES = sources()


def is_for_types(node):
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imports(tree, *, types=True, functions=True):
    """Full names imported; without those for type checkers or inside functions, if so asked."""
    pending, found = list(ast.iter_child_nodes(tree)), set()
    while pending:
        node = pending.pop()
        if is_for_types(node) and not types:
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not functions:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else node.module)
        pending += ast.iter_child_nodes(node)
    return found


def level(module):
    parts = module.split(".")
    return LEVEL[parts[1]] if len(parts) > 1 else None


def test_every_module_has_a_layer():
    for module in MODULES:
        assert module == "assistant" or module.split(".")[1] in LEVEL, module


@pytest.mark.parametrize("module", [name for name in MODULES if name != "assistant"])
def test_no_import_goes_up(module):
    for imported in imports(MODULES[module]):
        if imported in MODULES and imported != "assistant":
            assert level(imported) <= level(module), f"{module} imports {imported}"


def test_no_import_goes_in_a_circle():
    graph = {
        module: imports(tree, types=False) & MODULES.keys() - {module, "assistant"}
        for module, tree in MODULES.items()
    }
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"imports in a circle: {' -> '.join(error.args[1])}")
    assert order.index("assistant.datatypes") < order.index("assistant.assistant")


@pytest.mark.parametrize("module", sorted(MODULES.keys() - BLOCKS))
def test_nothing_heavy_is_imported_with_a_module(module):
    at_once = imports(MODULES[module], types=False, functions=False)
    assert not {name.split(".")[0] for name in at_once} & HEAVY


def test_no_module_shares_a_name_with_the_standard_library():
    import sys

    for module in MODULES:
        assert module.split(".")[-1] not in sys.stdlib_module_names, module

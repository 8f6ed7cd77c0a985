"""Jinja templates, compiled once for each language: their sentences are translated then, and not for each page.

A template says ``_("…")``, and ``_("… %(name)s", name=…)`` where something is filled in, which autoescape escapes as it
does elsewhere. Translated as constants of the template, most sentences melt into the markup around them; Jinja's own
i18n extension looks each one up whenever a page is shown.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from jinja2 import Environment, TemplateAssertionError, nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup


class Translated(Environment):
    """Templates in one language; ``find`` gives the translation of a sentence. The rest is Jinja's.

    Raises TemplateAssertionError for a sentence that is not written out in the template: it could not be translated.
    """

    def __init__(self, find: Callable[[str], str], **options: Any) -> None:
        super().__init__(auto_reload=False, **options)  # they come with the code
        self._find = find

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The very globals of the environment: Jinja would chain an empty mapping before them, for each name a walk."""
        return super().make_globals(d) if d else self.globals

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree: nodes.Template = super()._parse(source, name, filename)
        _Translator(self._find, Markup if self.autoescape else str, name, filename).visit(tree)
        tree.set_environment(self)
        return tree


class _Translator(NodeTransformer):
    def __init__(self, find: Callable[[str], str], mark: type[str], name: str | None, filename: str | None) -> None:
        self._find, self._mark, self._name, self._filename = find, mark, name, filename

    def visit_Call(self, call: nodes.Call) -> nodes.Node:  # noqa: N802 (Jinja's name)
        self.generic_visit(call)
        if not (isinstance(call.node, nodes.Name) and call.node.name == "_"):
            return call
        if not (len(call.args) == 1 and isinstance(call.args[0], nodes.Const)):
            raise TemplateAssertionError("a sentence must be written out", call.lineno, self._name, self._filename)
        said = nodes.Const(self._mark(self._find(call.args[0].value)), lineno=call.lineno)
        if not call.kwargs:
            return said
        facts = [nodes.Pair(nodes.Const(each.key), each.value, lineno=call.lineno) for each in call.kwargs]
        return nodes.Mod(said, nodes.Dict(facts, lineno=call.lineno), lineno=call.lineno)

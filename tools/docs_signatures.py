"""Signatures and docstrings, read from the source: what `inspect` shows depends on the version of Python."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

Definition = ast.ClassDef | ast.FunctionDef


@dataclass(frozen=True, slots=True)
class Member:
    """A method or property of a class: its signature, and the first sentence of its docstring."""

    text: str
    doc: str


@cache
def definitions(package: str, module: str) -> dict[str, Definition]:
    """Return the classes and functions of a module by name."""
    spec = find_spec(f"{package}.{module}")
    if spec is None or spec.origin is None:
        raise LookupError(module)
    tree = _Unquoted().visit(ast.parse(Path(spec.origin).read_text(encoding="utf-8")))
    return {one.name: one for one in tree.body if isinstance(one, Definition)}


def paragraphs(definition: Definition) -> list[str]:
    """Return the paragraphs of a docstring."""
    return (ast.get_docstring(definition) or "").split("\n\n")


def fields(definition: ast.ClassDef) -> Iterator[str]:
    """Yield the annotated fields of a class, with their defaults."""
    for one in definition.body:
        if not isinstance(one, ast.AnnAssign) or not isinstance(one.target, ast.Name):
            continue
        annotation = ast.unparse(one.annotation)
        if not one.target.id.startswith("_") and not annotation.startswith("ClassVar"):
            yield f"{one.target.id}: {annotation}{_default_of_field(one.value)}"


def members(definition: ast.ClassDef) -> Iterator[Member]:
    """Yield the public methods and properties of a class."""
    for one in definition.body:
        if not isinstance(one, ast.FunctionDef) or one.name.startswith("_"):
            continue
        kinds = {ast.unparse(decorator) for decorator in one.decorator_list}
        if kinds & {"property", "cached_property"}:
            text = f"{one.name}: {ast.unparse(one.returns) if one.returns else 'Any'}"
        else:
            text = signature(one)
        yield Member(text, _first_sentence(one))


def signature(definition: ast.FunctionDef) -> str:
    """Return a function with its arguments and what it returns."""
    returns = f" -> {ast.unparse(definition.returns)}" if definition.returns else ""
    return f"{definition.name}({', '.join(_arguments(definition.args))}){returns}"


def _arguments(arguments: ast.arguments) -> Iterator[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    missing = len(positional) - len(arguments.defaults)
    for number, one in enumerate(positional):
        if one.arg not in {"self", "cls"}:
            yield _argument(one, arguments.defaults[number - missing] if number >= missing else None)
    if arguments.vararg:
        yield f"*{_argument(arguments.vararg)}"
    elif arguments.kwonlyargs:
        yield "*"
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _argument(one, default)
    if arguments.kwarg:
        yield f"**{_argument(arguments.kwarg)}"


def _argument(one: ast.arg, default: ast.expr | None = None) -> str:
    text = f"{one.arg}: {ast.unparse(one.annotation)}" if one.annotation else one.arg
    return f"{text} = {ast.unparse(default)}" if default else text


def _default_of_field(value: ast.expr | None) -> str:
    """Return the default of a field; of one that a function makes only that there is one."""
    if value is None or (
        isinstance(value, ast.Call) and not any(one.arg == "default" for one in value.keywords)
    ):
        made = isinstance(value, ast.Call) and any(one.arg == "default_factory" for one in value.keywords)
        return " = …" if made else ""
    if isinstance(value, ast.Call):
        value = next(one.value for one in value.keywords if one.arg == "default")
    return f" = {ast.unparse(value)}"


def _first_sentence(definition: Definition) -> str:
    text = " ".join(paragraphs(definition)[0].split())
    end = text.find(". ")
    return text if end < 0 else text[: end + 1]


class _Unquoted(ast.NodeTransformer):
    """Removes the quotes around annotations that are only for type checkers."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """Unquote the annotation of an argument."""
        node.annotation = _unquoted(node.annotation)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Unquote what a function returns, and its arguments."""
        node.returns = _unquoted(node.returns)
        self.visit(node.args)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        """Unquote the annotation of a field."""
        node.annotation = _unquoted(node.annotation) or node.annotation
        return node


def _unquoted(annotation: ast.expr | None) -> ast.expr | None:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return ast.parse(annotation.value, mode="eval").body
    return annotation

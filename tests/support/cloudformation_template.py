"""Resolve a CloudFormation template for given parameters, as AWS would: enough for aws/stack.yaml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML with CloudFormation's short tags."""


def _tag(loader: Any, suffix: str, node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        value = value.split(".", 1) if suffix == "GetAtt" else value
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _tag)
_NO_VALUE = object()


class Template:
    """A template with its parameters filled in; a resource's Ref is its logical name."""

    def __init__(self, path: Path, **given: str) -> None:
        self.source: dict[str, Any] = yaml.load(path.read_text(), _Loader)
        self._names: dict[str, Any] = {
            "AWS::AccountId": "ACCOUNT",
            "AWS::NoValue": _NO_VALUE,
            "AWS::Partition": "aws",
            "AWS::Region": "us-east-1",
            "AWS::StackName": "stack",
            "AWS::URLSuffix": "amazonaws.com",
            **{name: each.get("Default") for name, each in self.source["Parameters"].items()},
            **given,
        }

    def condition(self, name: str) -> bool:
        """Return whether a condition holds."""
        return bool(self._condition(self.source["Conditions"][name]))

    def resources(self) -> dict[str, Any]:
        """Return the resources that are made, by logical name, with their properties resolved."""
        return {
            name: {"Type": each["Type"], **self.resolve(each["Properties"])}
            for name, each in self.source["Resources"].items()
            if "Condition" not in each or self.condition(each["Condition"])
        }

    def outputs(self) -> dict[str, str]:
        """Return the outputs that are made."""
        return {
            name: self.resolve(each["Value"])
            for name, each in self.source["Outputs"].items()
            if "Condition" not in each or self.condition(each["Condition"])
        }

    def resolve(self, value: Any) -> Any:
        """Return `value` with its functions applied."""
        if isinstance(value, list):
            return [each for each in map(self.resolve, value) if each is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        match next(iter(value.items()), ("", None)):
            case ("Ref", name):
                return self._names.get(name, name)
            case ("Fn::GetAtt", [name, attribute]):
                return f"{name}.{attribute}"
            case ("Fn::If", [name, yes, no]):
                return self.resolve(yes if self.condition(name) else no)
            case ("Fn::Sub", [text, names]):
                return self._substitute(text, {key: self.resolve(each) for key, each in names.items()})
            case ("Fn::Sub", text):
                return self._substitute(text, {})
        found = {key: self.resolve(each) for key, each in value.items()}
        return {key: each for key, each in found.items() if each is not _NO_VALUE}

    def _substitute(self, text: str, names: dict[str, str]) -> str:
        return re.sub(
            r"\$\{([^}]+)\}", lambda found: str({**self._names, **names}.get(found[1], found[1])), text
        )

    def _condition(self, value: Any) -> bool:
        match next(iter(value.items())):
            case ("Condition", name):
                return self.condition(name)
            case ("Fn::Equals", [left, right]):
                return bool(self.resolve(left) == self.resolve(right))
            case ("Fn::Not", [inner]):
                return not self._condition(inner)
            case ("Fn::And", inner):
                return all(self._condition(each) for each in inner)
        raise ValueError(f"not a condition: {value}")

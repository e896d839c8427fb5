"""YAML in which ids keep their text as written: YAML reads 8_4 as 84, 010 as 8, 12:30 as 750 and yes as True."""

from __future__ import annotations

from typing import Any

import yaml

# the settings that hold ids, alone or in a list
ID_SETTINGS = ("location_id", "product_id", "source_id", "department_id")
# the settings whose values are texts of landed files, whatever they look like
TEXT_MAPPINGS = ("constants",)
_TEXT, _NULL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null"


class _TextLoader(yaml.SafeLoader):
    """YAML's safe loader, which takes what stands at an id for a text; a plain null stays what it is."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        node.value = [(key, _value(key, value)) for key, value in node.value]


def _value(key: yaml.Node, value: yaml.Node) -> yaml.Node:
    name = key.value if isinstance(key, yaml.ScalarNode) else None
    if name in ID_SETTINGS:
        return _as_text(value)
    if name in TEXT_MAPPINGS and isinstance(value, yaml.MappingNode):
        pairs = [(key, _as_text(one)) for key, one in value.value]
        return yaml.MappingNode(value.tag, pairs, value.start_mark, value.end_mark)
    return value


def _as_text(node: yaml.Node) -> yaml.Node:
    """A copy, because an anchor may stand for the same node where it is no id."""
    if isinstance(node, yaml.SequenceNode):
        parts = [_as_text(part) for part in node.value]
        return yaml.SequenceNode(node.tag, parts, node.start_mark, node.end_mark)
    if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL:
        return node
    return yaml.ScalarNode(_TEXT, node.value, node.start_mark, node.end_mark)


def read_yaml(text: str) -> Any:
    """The values of a YAML text.

    >>> read_yaml("{product_id: [8_4, 010, 0x1F, 12:30, yes, 2026-01-01, 'null'], location_id: 1e3, items: 8_4}")
    {'product_id': ['8_4', '010', '0x1F', '12:30', 'yes', '2026-01-01', 'null'], 'location_id': '1e3', 'items': 84}

    Raises
    ------
    yaml.YAMLError, ValueError : the text is no YAML, or has a value such as the date 2026-13-01.
    """
    return yaml.load(text, Loader=_TextLoader)  # noqa: S506, a safe loader

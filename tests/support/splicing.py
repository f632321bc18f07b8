"""A splice beside a reading of the same text."""

from __future__ import annotations

from kscan_lsp.yaml.document import read_document
from kscan_lsp.yaml.splice import splice
from kscan_lsp.yaml.tree import Alias, Mapping, Sequence


def plain(node):
    """A tree as something that can be compared: everything in it, with the types of values."""
    if isinstance(node, Mapping):
        parts = [(plain(e.key), plain(e.value), e.explicit) for e in node.entries]
    elif isinstance(node, Sequence):
        parts = [plain(item) for item in node.items]
    elif isinstance(node, Alias):
        return ("alias", node.start, node.end, node.name)
    else:
        parts = [repr(node.value), node.style]
    return (type(node).__name__, node.start, node.end, node.anchor, node.tag, node.props, parts)


def spliced(before, after):
    """What `splice` makes of a change, compared with reading; None where that is left to the reader."""
    read = read_document(before)
    if not read.complete or read.problems or read.root is None:
        return None
    made = splice(read.root, read.data, before, after)
    if made is not None:
        anew = read_document(after)
        assert anew.complete
        assert not anew.problems
        assert not anew.blanked
        assert plain(made.root) == plain(anew.root)
        assert repr(made.data) == repr(anew.data)  # the order of keys counts, and 1 is not true
        assert repr(read.data) == repr(read_document(before).data), "what was read before has changed"
    return made

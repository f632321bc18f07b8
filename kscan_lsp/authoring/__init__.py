"""What an editor says of a control file, or of an admission policy, while somebody writes it.

Texts that are being written are wrong most of the time, so nothing here rests on what loading makes of a file: its tree
is read as far as it goes, each expression is looked at by itself, and what cannot be known is left out. Nothing raises
on what was written, and all work is bounded: by the parts of an expression that are asked, the elements of a list that
are looked at, the manifests that are read.

May import all rooms but those that talk to people (`cli/`, `lsp/`): the protocol is no matter of this one.
"""

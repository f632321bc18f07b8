"""Facts that no manifest holds, handed to the engine as frozen data.

May import the vocabulary, `graph` (for its keys) and `cel` (for what an expression may see). Invariants: evidence never
changes, only other evidence takes its place; each kind of it has a digest and a key, so that what rests on it, and
nothing else, is judged again then; and nothing here reads a file or asks a clock. Who has a source of facts reads it
and hands over what it found.
"""

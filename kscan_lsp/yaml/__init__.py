"""YAML and JSON as Kubernetes reads them: text -> documents -> a tree with the place of everything -> values.

May import `text`, `paths` and `findings`. Nothing here raises on what a user wrote: a text always gives a document,
and what kept a part of it from being read is a problem at its place. Values mean what they mean to kubectl. A
document that does not parse is repaired, and what comes of it depends on its text alone. Every reading is bounded
in depth and nodes. A change of one value shares the rest of the tree with the document before it (`splice`), with
the same result as reading.
"""

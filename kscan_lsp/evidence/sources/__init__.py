"""The forms in which others say what is known of images: one module each, `bytes -> what it says`, and a row here.

May import `evidence/images.py` and what that may. Invariants: nothing here raises but `ReportError` on what a file
holds; what is read is bounded in number and length, and holds nothing but characters that print. Each form is read by
its published schema, which its module cites, with no more of it than is used; a value of another type than the schema
has makes the file one that is left out, with its place, because nobody knows what else in it is not what it says.
"""

"""A finding -> a fix that is proven to hold.

May import everything up to `workspace`. Start reading at `verify.py`. Invariants: the fix law (`docs/architecture.md`),
which is proven anew for every fix that is offered; no check is evaluated to draft one; and nothing is made between an
edit and its diagnostics. In the order in which its files import each other: changes, secrets, titles, draft, verify,
fix_all.
"""

"""Resources, what other objects mean to them, and evidence -> verdicts and findings.

May import everything up to `evidence`. Start reading at `evaluator.py`. Invariants: an evaluator says the same whether
it remembers anything or not, and all that it remembers is in its `memo.py`, with bounds; nothing here raises on what a
manifest or a control contains; and what cannot be evaluated is reported as that, never taken for a pass.

In the order in which its files import each other: digests, related, scope, elements, locate, quoting, parts, plan,
memo, ask, evaluate, verdicts, causes, evaluator.
"""

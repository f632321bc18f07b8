"""What becomes of a finding: a chain of links, each of which can have some findings accepted.

A link is one place in a document where people say that a finding may stay: a comment, an annotation. It reads what is
there and gives directives; the chain decides what of that counts.

Imports the engine's verdicts and what lies before them; touches no files. A disposition never removes a finding and
never hides itself: what is unknown, expired, misplaced or has nothing to accept is a problem where it was said. Fixes
are verified on what was found, whatever becomes of it.
"""

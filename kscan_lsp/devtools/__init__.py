"""What the repository generates from the program itself: documentation, JSON schemas, the stored policies.

May import every room before it; nothing imports it. A test fails where the repository has something else than
this makes.
"""

"""One file for each request: a snapshot in, a value of the protocol out.

Nothing here waits, remembers or changes anything, so every answer can be tested without a server. Imports `session/`
for its snapshots, `convert` and the rooms before `lsp`. What takes long is told by its last argument when to give up.
"""

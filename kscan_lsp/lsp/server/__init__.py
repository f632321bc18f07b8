"""The protocol and the work: messages in and out, what is done when, and what is shown.

`stdio.py` reads messages, `protocol.py` sends edits straight to their handler, `notifications.py`, `requests.py` and
`commands.py` are handlers of a few lines, `scheduler.py` has one task for each folder, `publisher.py` shows
diagnostics, `server.py` puts them together. Imports `features/` and `session/`; nothing imports it but the command
line.

Invariants: no handler blocks the event loop, pygls' own thread pool is never used (standard input is read on it), and
its log stays at WARNING, since at INFO it has the text of manifests.
"""

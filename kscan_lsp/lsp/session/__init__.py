"""What the server knows of one editor: open documents, folders, what of them is judged and what is shown.

The only mutable state of the program. `session.py` is the whole of it, `workspace.py` one folder, `document.py` one
open document, `steps.py` the work on a folder as functions from one project to the next, `snapshot.py` what requests
are answered from. Imports neither `features/` nor `server/`.

Invariants: a function whose name is a question changes nothing; a result that was judged by other settings than hold
now is not kept; and nothing keeps a configuration alive that has been replaced.
"""

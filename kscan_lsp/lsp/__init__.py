"""The language server: the same engine over the Language Server Protocol.

The only room that imports pygls or lsprotocol. `features/` turn a snapshot into an answer and change nothing,
`session/` holds all that is mutable, `server/` connects both with the protocol and decides what is worked on when,
and `convert.py` alone turns findings and edits into the protocol's, in the encoding of the editor. It may import
every other room but `cli` and `devtools`, and only `cli` imports it, to serve.

Invariants: what a notification changes is changed at once on the event loop; a request captures its snapshot before
it waits for anything; and a result for an older text is never shown over a newer one.
"""

"""What coding agents ask for, over the Model Context Protocol: `kscan mcp`.

`server` is all that imports the SDK, which is an extra; the answers beside it are plain functions that give plain data.
They write nothing, read nothing outside of the folder that the program was started in, and keep what the workspace says
(names, paths, messages about manifests) in fields called `fromWorkspace`, apart from what kscan says: a manifest may
have been written to be read by a program that does what it is told.
"""

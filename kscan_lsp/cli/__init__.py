"""The command line: options in, text out, exit status.

May import every room before it, and `lsp` to serve. `main` and `terminal` import inside functions: a command must not
pay for what only another needs. Reports go to standard output or a file, all else to standard error; nothing from a
manifest reaches a terminal raw. What a report says and looks like is the business of `report/`.
"""

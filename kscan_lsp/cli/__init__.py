"""The command line: options in, text out, exit status.

Imports every room but `devtools`, and `lsp` only to serve. Two modules import inside functions (`main`, `terminal`), since
a command must not pay for what only another needs. Reports go to standard output or a file, all else to standard error;
nothing from a manifest reaches a terminal raw. What a report says and looks like is `report/`'s business.
"""

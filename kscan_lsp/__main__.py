"""`python -m kscan_lsp` is `kscan`."""

from kscan_lsp.cli import main

if __name__ == "__main__":
    main()

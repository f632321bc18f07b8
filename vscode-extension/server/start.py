"""Start the server that the extension carries, with the Python that runs this file.

The server's packages lie beside this file: `any` has those that are Python alone, `cp311` and so on the compiled ones
of each version. Run with `-I -S`, nothing else on the machine takes part, whatever is installed there.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
COMPILED = HERE / f"cp{sys.version_info.major}{sys.version_info.minor}"

if not COMPILED.is_dir():
    known = ", ".join(sorted(f"3.{path.name[3:]}" for path in HERE.glob("cp3*")))
    raise SystemExit(f"kscan carries its server for Python {known}; this is {sys.version.split()[0]}")
sys.path[:0] = [str(HERE / "any"), str(COMPILED)]

from kscan_lsp.__main__ import main  # noqa: E402 - found only now

main()

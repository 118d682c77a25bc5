"""The command line: `python -m gloss`, and the script `gloss`."""

import sys

from ._library import library


def main() -> None:
    sys.exit(library.main(["gloss", *sys.argv[1:]]))


if __name__ == "__main__":
    main()

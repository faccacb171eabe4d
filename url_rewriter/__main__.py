"""``python -m url_rewriter``."""

from url_rewriter.cli import main

main(prog_name="url-rewriter")

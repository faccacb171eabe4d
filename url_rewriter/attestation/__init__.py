"""Attestations: what `verify` found, as an in-toto Statement that protects itself.

Every byte of the file is bound: it has one spelling only, a digest of the predicate is one of the
statement's subjects, and all else in the statement follows from the predicate. A signature, made by
other means, says who wrote it.
"""

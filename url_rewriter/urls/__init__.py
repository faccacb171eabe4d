"""Cloud Storage URLs, alone or inside text and its escapings."""

from url_rewriter.urls.model import (
    Form,
    Found,
    Grammar,
    Left,
    ObjectRef,
    Occurrence,
    Reading,
    Remark,
    Replacement,
)

__all__ = [
    "Form",
    "Found",
    "Grammar",
    "Left",
    "ObjectRef",
    "Occurrence",
    "Reading",
    "Remark",
    "Replacement",
]

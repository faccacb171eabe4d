"""Base URLs and templates: which rule moves all that is below them, and which the target has."""

from __future__ import annotations

from collections.abc import Sequence

from url_rewriter.planning.planned import Candidate
from url_rewriter.rules import Bases, Rules
from url_rewriter.urls import S3_FORMS, Base, ObjectRef, Occurrence, Reading
from url_rewriter.urls.names import key_trouble


def base_candidate(rules: Rules, occurrence: Occurrence) -> Candidate | None:
    """The target prefix of a base URL, a folder or a template, if one rule moves all below it."""
    reading = _base_of(occurrence)
    if reading is None or reading.base is None:
        return None
    rule = rules.rule_below(reading.source, s3=occurrence.form in S3_FORMS)
    if rule is None or rule.bases is not Bases.REWRITE:
        return None
    target = rule.target_of(reading.source)
    without_slash = target.key.endswith("/") or not target.key
    fits = without_slash and target.key.startswith(rule.form.leaves_out)
    if not fits or not rules.is_base(target) or (target.key and key_trouble(target.key)):
        return None
    return Candidate(reading, rule, target, rules.target.endpoint)


def _base_of(occurrence: Occurrence) -> Reading | None:
    first = occurrence.readings[0]
    if first.base is None and first.source.key.endswith("/"):
        return first._replace(base=Base())
    return next((each for each in occurrence.readings if each.base is not None), None)


def is_shared_folder(rules: Rules, occurrence: Occurrence) -> bool:
    """Whether a folder belongs to a rule that rewrites bases, and is none that could be rewritten:
    other rules move parts of it elsewhere."""
    return _is_folder(rules, occurrence, occurrence.readings[0])


def objects_only(rules: Rules, occurrence: Occurrence) -> Occurrence:
    """An occurrence without readings as a base, or as a folder that a base's rule would prove.

    Where a key ends is not for a base to say: below it there are always objects. No reading may be
    left.
    """
    kept = [
        reading
        for place, reading in enumerate(occurrence.readings)
        if reading.base is None and not (place and _is_folder(rules, occurrence, reading))
    ]
    return occurrence._replace(readings=tuple(kept))


def _is_folder(rules: Rules, occurrence: Occurrence, reading: Reading) -> bool:
    """Whether a reading is a folder of a rule that rewrites bases."""
    if not reading.source.key.endswith("/"):
        return False
    rule = rules.rule_for(reading.source, s3=occurrence.form in S3_FORMS)
    return rule is not None and rule.bases is Bases.REWRITE


def name_base(rules: Rules, occurrence: Occurrence) -> Occurrence | None:
    """A URL of the target, read as a base where these rules would have written it as one.

    None where it is the root of a bucket, and no rule would write that.
    """
    readings = occurrence.readings
    if readings[0].base is not None:
        return occurrence if rules.is_base(readings[0].source) else None
    if (named := _named_base(rules, readings)) is not None and rules.is_base(named.source):
        return occurrence._replace(readings=(named,))
    objects = [each for each in readings if each.base is None and not rules.is_base(each.source)]
    return occurrence._replace(readings=tuple(objects)) if objects else occurrence


def _named_base(rules: Rules, readings: Sequence[Reading]) -> Reading | None:
    """How a target's URL is read as a template, as a folder, or as a root without its slash."""
    template = next((each for each in readings if each.base is not None), None)
    if template is not None:
        return template
    first = readings[0]
    bucket, key = first.source
    longest = max((each.source.key for each in readings), key=len)
    if any(character.isalnum() for character in longest.removeprefix(key)):
        return None  # the name of an object, which this program would have spelled otherwise
    if key.endswith("/"):
        return first._replace(base=Base())
    root = ObjectRef(bucket, f"{key}/")
    return first._replace(source=root, base=Base(False)) if rules.is_root(root) else None

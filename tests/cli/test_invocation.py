"""The command that a plan file keeps is the command that made it."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from typing import Any

import click
from hypothesis import given
from hypothesis import strategies as st

from url_rewriter.cli.plan import plan
from url_rewriter.planfile import Invocation

OF_ONE_RUN = {"--max-reads", "--max-rps", "--workers", "--engine", "--scheduler", "--shards"}
OF_THE_OUTPUT = {
    "--format", "--quiet", "--verbose", "--no-progress", "--color", "--no-input", "--log-format",
    "--log-file", "--help",
}  # fmt: skip
IN_THE_STORE = {"--project", "--database"}
IN_EACH_OPTION = {"--config", "--profile"}  # what they say is kept option by option

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)
lists = st.lists(words).map(tuple)
values: dict[str, Any] = {"str": "x", "bool": True, "tuple[str, ...]": ("x",)}
everything_given = Invocation(**{each.name: values[str(each.type)] for each in fields(Invocation)})


def test_every_option_of_plan_that_shapes_a_plan_is_kept() -> None:
    known = {option for each in plan.params for option in each.opts if option.startswith("-")}
    kept = {word for word in shlex.split(everything_given.options()) if word.startswith("-")}
    missing = known - kept - OF_ONE_RUN - OF_THE_OUTPUT - IN_THE_STORE - IN_EACH_OPTION
    assert {each for each in missing if not re.fullmatch("-[a-z]|--output", each)} == set()
    assert kept <= known


@given(
    st.builds(
        Invocation,
        rules_file=st.just("r.yaml"),
        store=words,
        collections=lists,
        excluded=lists,
        fields=lists,
        documents=lists,
        read_time=st.sampled_from(["", "2026-11-28T07:00:00+00:00"]),
        on_missing=st.sampled_from(["", "skip"]),
        prove=st.sampled_from(["", "list"]),
        check_public=st.booleans(),
        check_size=st.just(True),
        inventories=lists,
        output=st.just("x.plan"),
    )
)
def test_the_command_line_reads_back_what_was_kept(kept: Invocation) -> None:
    assert Invocation.from_json(kept.to_json()) == kept
    read, _, _ = plan.make_parser(click.Context(plan)).parse_args(shlex.split(kept.options()))
    for name in ("collections", "excluded", "fields", "documents", "inventories"):
        assert tuple(read.get(name, ())) == getattr(kept, name)
    for name in ("read_time", "on_missing", "prove"):
        assert read.get(name, "") == getattr(kept, name)
    for name in ("check_public", "check_size", "check_source"):
        assert bool(read.get(name)) is getattr(kept, name)
    assert (read["store"], read["plan_file"]) == (kept.store, kept.output)

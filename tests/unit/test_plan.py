# SPDX-License-Identifier: AGPL-3.0-or-later
from __future__ import annotations

import pytest
from engine_samples import shell
from hypothesis import given
from hypothesis import strategies as st

from pynqtorch.errors import UsageError
from pynqtorch.plan import Input, Output, Plan, merge


def test_a_plan_refuses_a_name_that_is_there_twice() -> None:
    with pytest.raises(UsageError, match="two steps are named 'a'"):
        Plan((shell("a", "true"), shell("a", "false")))


def test_a_plan_refuses_an_input_that_no_step_declares() -> None:
    with pytest.raises(UsageError, match=r"b reads other\.txt, which a does not declare"):
        Plan((shell("a", "true"), shell("b", "true", reads={"x": "step:a/other.txt"})))


def test_a_file_inside_of_a_declared_folder_is_declared() -> None:
    Plan(
        (shell("a", "true", makes=(Output("tree", tree=True),)), shell("b", "true", reads={"x": "step:a/tree/deep/f"}))
    )


def test_a_plan_refuses_a_step_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="b needs a, which is not in the plan"):
        Plan((shell("b", "true", after=("a",)),))


def test_a_plan_refuses_a_circle_and_names_it() -> None:
    with pytest.raises(UsageError, match=r"a -> b -> a|b -> a -> b"):
        Plan((shell("a", "true", after=("b",)), shell("b", "true", after=("a",))))


def test_a_plan_refuses_two_writers_of_one_published_file() -> None:
    both = (Output("o", publish="out/x"),)
    with pytest.raises(UsageError, match="a and b both write out/x"):
        Plan((shell("a", "true", makes=both), shell("b", "true", makes=both)))


def test_an_unknown_step_comes_with_the_nearest_names() -> None:
    with pytest.raises(UsageError, match=r"synth\.vector_add"):
        Plan((shell("synth.vector_add", "true"),)).step("synth.vectoradd")


def test_only_keeps_what_is_needed_and_the_order() -> None:
    plan = Plan((shell("a", ""), shell("b", ""), shell("c", "", reads={"x": "step:a/out.txt"})))
    assert [step.name for step in plan.only(["c"])] == ["a", "c"]


def test_merge_keeps_equal_steps_once_and_refuses_others() -> None:
    one, other = Plan((shell("a", "true"), shell("b", "true"))), Plan((shell("b", "true"), shell("c", "true")))
    assert [step.name for step in merge(one, other)] == ["a", "b", "c"]
    with pytest.raises(UsageError, match="two different steps are named 'b'"):
        merge(one, Plan((shell("b", "false"),)))


@given(st.sampled_from(["a.b", "x"]), st.sampled_from(["o", "d/e"]))
def test_the_producer_of_an_input_is_the_step_in_its_source(step: str, output: str) -> None:
    assert Input("i", f"step:{step}/{output}").producer == step
    assert Input("i", output).producer is None

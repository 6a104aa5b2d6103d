"""A world as a line: what is written is read, and what is refused is refused with its place."""

from dataclasses import replace

from hypothesis import given

from controller.domain.world import World
from controller.planning.planner import plan
from controller.wire.plan import Answer, read_plan_line, write_plan_line
from controller.wire.world import Question, read_world_line, write_world_line
from tests.builders import BELL
from tests.strategies import worlds


@given(worlds())
def test_a_world_that_is_written_is_read(world: World) -> None:
    """decode(encode(world)) == world, and the bytes are the same every time."""
    question = Question(id="q", now=BELL, world=world)
    line = write_world_line(question)
    assert read_world_line(line) == question
    assert write_world_line(read_world_line(line)) == line


@given(worlds())
def test_a_plan_that_is_written_is_read(world: World) -> None:
    """decode(encode(plan)) == plan, and the bytes are the same every time."""
    answer = Answer(id="q", plan=plan(world, BELL))
    line = write_plan_line(answer)
    assert read_plan_line(line) == answer
    assert write_plan_line(read_plan_line(line)) == line
    asked = Question(id="next", now=BELL, world=replace(world, memory=answer.plan.memory))
    assert read_world_line(write_world_line(asked)) == asked

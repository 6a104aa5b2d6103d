"""The names that people give to territories."""

import pytest

from controller.policy.scalars import Territory
from controller.policy.territories import TIME_ZONES, calendar_name, nearest


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("zone-a", "zone-a"),
        ("A", "zone-a"),
        ("Zone B", "zone-b"),
        ("zone_c", "zone-c"),
        ("Lyon", "zone-a"),
        ("académie de Créteil", "zone-c"),
        ("académie d'Orléans-Tours", "zone-b"),
        ("FR-ARA", "zone-a"),
        ("fr-idf", "zone-c"),
        ("FR-HDF", "zone-b"),
        ("Strasbourg", "zone-b-alsace-moselle"),
        ("alsace", "zone-b-alsace-moselle"),
        ("CORSE", "corse"),
        ("FR-20R", "corse"),
        ("réunion", "la-reunion"),
        ("La Réunion", "la-reunion"),
        ("974", "la-reunion"),
        ("FR-974", "la-reunion"),
        ("St-Barth", "saint-barthelemy"),
        ("Polynésie", "polynesie-francaise"),
        ("FR-NC", "nouvelle-caledonie"),
    ],
)
def test_a_territory_is_found_by_the_names_people_use(text: str, name: str) -> None:
    """Zone, académie, region, code, with or without accents."""
    assert calendar_name(text) == name


@pytest.mark.parametrize("text", ["D", "zone", "", "belgique"])
def test_what_is_no_territory_is_not_guessed(text: str) -> None:
    """A wrong calendar would be worse than none."""
    assert calendar_name(text) is None


def test_the_nearest_names_are_suggested() -> None:
    """A typing error costs one more try."""
    assert nearest("martiniqe")[0] == "martinique"
    assert "saint-martin" in nearest("saint-martain")


def test_every_territory_has_a_time_zone() -> None:
    """Days of a calendar file begin at the territory's own midnight."""
    assert TIME_ZONES.keys() == set(Territory)

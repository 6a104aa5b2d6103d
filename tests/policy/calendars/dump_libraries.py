"""Runs in the libraries' own environment: prints what they say of French school days, as JSON. Facts, not code.

Two packages: `vacances-scolaires-france` says which days are of a vacation in zones A, B and C, day by day. `holidays`
says the same by a rule of its own, and knows the public holidays of every territory.
"""

import json
import sys
from datetime import date, timedelta
from importlib.metadata import version

FIRST = date(2015, 9, 1)
LAST = date(2028, 12, 31)
"""The last day of the data of vacances-scolaires-france."""

TERRITORIES = {
    "": None,
    "57": "57",
    "6AE": "6AE",
    "971": "971",
    "972": "972",
    "973": "973",
    "974": "974",
    "976": "976",
    "BL": "BL",
    "MF": "MF",
    "NC": "NC",
    "PF": "PF",
    "PM": "PM",
    "WF": "WF",
}


def spans(days: dict[date, str]) -> list[list[str]]:
    """Return the days as first day, last day and name, those in a row of one name together."""
    found: list[list[str]] = []
    for day in sorted(days):
        before = (day - timedelta(days=1)).isoformat()
        if found and found[-1][1] == before and found[-1][2] == days[day]:
            found[-1][1] = day.isoformat()
        else:
            found.append([day.isoformat(), day.isoformat(), days[day]])
    return found


def vacances_scolaires_france() -> dict[str, object]:
    """Return the vacations of the three zones, as the package has them."""
    from vacances_scolaires_france import SchoolHolidayDates  # type: ignore[import-not-found]

    told = SchoolHolidayDates()
    zones = {}
    for zone in "ABC":
        days = {}
        for year in range(FIRST.year, LAST.year + 1):
            for day, row in told.holidays_for_year_and_zone(year, zone).items():
                if FIRST <= day <= LAST:
                    days[day] = row["nom_vacances"]
        zones[f"zone-{zone.lower()}"] = spans(days)
    return {"version": version("vacances-scolaires-france"), "school": zones}


def holidays() -> dict[str, object]:
    """Return the vacations of the three zones and the public holidays of all territories, as the package has them."""
    from holidays import France  # type: ignore[import-not-found]

    years = range(FIRST.year, LAST.year + 1)
    school = {
        f"zone-{zone.lower()}": spans(
            {
                d: n
                for d, n in France(years=years, subdiv=f"Zone {zone}", categories="school").items()
                if FIRST <= d <= LAST
            }
        )
        for zone in "ABC"
    }
    public = {
        key: {d.isoformat(): n for d, n in sorted(France(years=years, subdiv=subdiv).items()) if FIRST <= d <= LAST}
        for key, subdiv in TERRITORIES.items()
    }
    return {"version": version("holidays"), "school": school, "public": public}


if __name__ == "__main__":
    told = {"vacances-scolaires-france": vacances_scolaires_france(), "holidays": holidays()}
    sys.stdout.write(json.dumps(told, indent=1, ensure_ascii=False) + "\n")

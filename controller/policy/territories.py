"""The names people give to the territories of school calendars, and the time zone of each.

A zone is asked for as `A`, `zone A`, by an académie (`Lyon`) or by a region (`FR-ARA`); a territory overseas by its
name or by its code (`974`, `RE`, `FR-974`). Regions of mainland France lie in one zone each.
"""

import re
import unicodedata
from collections.abc import Collection
from difflib import get_close_matches

from controller.policy.scalars import Territory

ALSACE_MOSELLE = "zone-b-alsace-moselle"
"""The calendar of zone B with the two public holidays of Alsace and Moselle."""

PARIS = "Europe/Paris"

TIME_ZONES: dict[Territory, str] = {
    Territory.ZONE_A: PARIS,
    Territory.ZONE_B: PARIS,
    Territory.ZONE_C: PARIS,
    Territory.CORSE: PARIS,
    Territory.GUADELOUPE: "America/Guadeloupe",
    Territory.MARTINIQUE: "America/Martinique",
    Territory.GUYANE: "America/Cayenne",
    Territory.LA_REUNION: "Indian/Reunion",
    Territory.MAYOTTE: "Indian/Mayotte",
    Territory.SAINT_PIERRE_ET_MIQUELON: "America/Miquelon",
    Territory.SAINT_BARTHELEMY: "America/St_Barthelemy",
    Territory.SAINT_MARTIN: "America/Marigot",
    Territory.NOUVELLE_CALEDONIE: "Pacific/Noumea",
    Territory.POLYNESIE_FRANCAISE: "Pacific/Tahiti",
    Territory.WALLIS_ET_FUTUNA: "Pacific/Wallis",
}
"""Where days begin and end for the users."""

_NAMES: dict[str, str] = {
    "zone-a": "A, Besançon, Bordeaux, Clermont-Ferrand, Dijon, Grenoble, Limoges, Lyon, Poitiers, "
    "ARA, Auvergne-Rhône-Alpes, BFC, Bourgogne-Franche-Comté, NAQ, Nouvelle-Aquitaine",
    "zone-b": "B, Aix-Marseille, Amiens, Caen, Lille, Nancy-Metz, Nantes, Nice, Normandie, Orléans-Tours, Reims, "
    "Rennes, Rouen, BRE, Bretagne, CVL, Centre-Val de Loire, GES, Grand Est, HDF, Hauts-de-France, NOR, PDL, "
    "Pays de la Loire, PAC, PACA, Provence-Alpes-Côte d'Azur",
    "zone-c": "C, Créteil, Montpellier, Paris, Toulouse, Versailles, IDF, Île-de-France, OCC, Occitanie",
    ALSACE_MOSELLE: "Alsace-Moselle, Alsace, Moselle, Strasbourg, 6AE, 57, 67, 68",
    "corse": "Corse, Corsica, COR, 20R, 2A, 2B, Ajaccio",
    "guadeloupe": "Guadeloupe, GP, GUA, 971",
    "martinique": "Martinique, MQ, 972",
    "guyane": "Guyane, Guyane française, French Guiana, GF, 973",
    "la-reunion": "La Réunion, Réunion, RE, LRE, 974",
    "mayotte": "Mayotte, YT, MAY, 976",
    "saint-pierre-et-miquelon": "Saint-Pierre-et-Miquelon, Saint-Pierre, St-Pierre-et-Miquelon, PM, SPM, 975",
    "saint-barthelemy": "Saint-Barthélemy, Saint-Barth, St-Barthélemy, St-Barth, BL, 977",
    "saint-martin": "Saint-Martin, St-Martin, MF, 978",
    "nouvelle-caledonie": "Nouvelle-Calédonie, New Caledonia, Nouméa, NC, 988",
    "polynesie-francaise": "Polynésie française, Polynésie, French Polynesia, Tahiti, PF, 987",
    "wallis-et-futuna": "Wallis-et-Futuna, Wallis, Futuna, WF, 986",
}
"""Other names of the shipped calendars, as people write them. Codes are understood with `FR-` before them too."""

_PREFIX = re.compile(r"^(fr|academie-d|academie-de|academie|region|zone)-")


def calendar_name(text: str, known: Collection[str] = ()) -> str | None:
    """Return the name of the calendar that is meant; `known` are further calendars. None when nothing fits."""
    slug = _slug(text)
    names = {_slug(name): name for name in known} | _aliases()
    return names.get(slug) or names.get(_PREFIX.sub("", slug))


def nearest(text: str, known: Collection[str] = ()) -> tuple[str, ...]:
    """Return the calendars whose names are most like the text, the most alike first."""
    names = {_slug(name): name for name in known} | _aliases()
    alike = get_close_matches(_PREFIX.sub("", _slug(text)), names, n=5, cutoff=0.6)
    return tuple(dict.fromkeys(names[match] for match in alike))


def _aliases() -> dict[str, str]:
    return {_slug(alias): name for name, aliases in _NAMES.items() for alias in (name, *aliases.split(", "))}


def _slug(text: str) -> str:
    """Return the text in small letters and digits, without accents, its words joined by hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9]+", "-", plain.casefold()).strip("-")

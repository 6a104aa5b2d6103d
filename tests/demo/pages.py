"""What a pupil reads when the portal is full: short, honest, in French, with no promise it cannot keep."""

from __future__ import annotations

import random

SOONEST_SECONDS = 5
LATEST_SECONDS = 20

_PAGE = """<!doctype html>
<html lang="fr"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Beaucoup de monde en ce moment</title>
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem}}</style>
<h1>Beaucoup de monde en ce moment</h1>
<p>L’espace numérique de travail reçoit plus de visites qu’il ne peut en servir tout de suite.
Rien n’est perdu&nbsp;: votre travail enregistré est conservé.</p>
<p>Merci de réessayer dans {seconds}&nbsp;secondes environ.</p>
"""


def busy_page(seconds: int) -> str:
    """Return the page that says when to come back."""
    return _PAGE.format(seconds=seconds)


def pause_seconds(chance: random.Random) -> int:
    """Choose when to come back; not the same for all, or they would all come back at once."""
    return chance.randint(SOONEST_SECONDS, LATEST_SECONDS)

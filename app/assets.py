"""The built web assets as templates see them.

In charge of: reading what `frontend/build.mjs` wrote (manifest, icon names) and turning names into URLs, tags
and icons. Not of: building anything, nor of serving the files (Flask's static route does).

Without built assets every page still works as plain HTML: tags and icons come out empty, and the page says
what to type.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask, url_for
from markupsafe import Markup

DIST = Path(__file__).parent / "static" / "dist"
MISSING = "the web assets are not built: run `make assets`"

_log = logging.getLogger(__name__)


class AssetError(LookupError):
    """A template names a file or an icon that the build does not have."""


@dataclass(frozen=True, slots=True)
class Assets:
    """The manifest: source name → hashed file name, and the icons in the sprite."""

    files: Mapping[str, str] = field(default_factory=dict)
    icons: frozenset[str] = frozenset()

    @classmethod
    def read(cls, dist: Path = DIST) -> "Assets":
        """Read `dist/manifest.json`; an empty Assets (and a warning) where there is none."""
        try:
            manifest = json.loads((dist / "manifest.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            _log.warning(MISSING)
            return cls()
        return cls(files=manifest["files"], icons=frozenset(manifest["icons"]))

    @property
    def built(self) -> bool:
        return bool(self.files)

    def asset(self, name: str) -> str:
        """The URL of a built file: `asset("app.css")` → `/static/dist/app-5f3c….css`."""
        if not self.built:
            raise AssetError(MISSING)
        if name not in self.files:
            raise AssetError(f"no asset {name!r} in the build, only {', '.join(sorted(self.files))}")
        return url_for("static", filename=f"dist/{self.files[name]}")

    def stylesheet(self, name: str) -> Markup:
        """`<link rel="stylesheet">`, or nothing without built assets."""
        return Markup('<link rel="stylesheet" href="{}">').format(self.asset(name)) if self.built else Markup()

    def script(self, name: str, *, blocking: bool = False) -> Markup:
        """`<script>`, a deferred module unless it has to run before the first paint."""
        if not self.built:
            return Markup()
        kind = Markup("") if blocking else Markup(' type="module"')
        return Markup('<script src="{}"{}></script>').format(self.asset(name), kind)

    def icon(self, name: str, label: str | None = None, css: str = "") -> Markup:
        """An icon of the sprite. Decoration for screen readers, unless `label` gives it a meaning."""
        if not self.built:
            return Markup('<span class="visually-hidden">{}</span>').format(label) if label else Markup()
        if name not in self.icons:
            raise AssetError(f"no icon {name!r} in the sprite: run `make assets` (or is it misspelt?)")
        meaning = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
        return Markup('<svg class="icon {}" {}><use href="{}#{}"></use></svg>').format(
            css, meaning, self.asset("icons.svg"), name
        )


def register(app: Flask) -> None:
    """Give all templates `asset`, `stylesheet`, `script`, `icon` and `assets_built`."""
    assets = Assets.read()
    app.jinja_env.globals.update(
        asset=assets.asset,
        stylesheet=assets.stylesheet,
        script=assets.script,
        icon=assets.icon,
        assets_built=assets.built,
    )

"""The files under $BUILD_DIR that an upload reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from files import read_manifest, sha256
from program import Refused
from settings import PublishSettings


@dataclass(frozen=True, slots=True)
class BuildFiles:
    """Paths under $BUILD_DIR, and the S3 keys of the site's files."""

    settings: PublishSettings

    @property
    def site(self) -> Path:
        """The generated site."""
        return self.settings.generated_dir / "site"

    @property
    def published(self) -> Path:
        """The objects known to be in S3."""
        return self.settings.build_dir / "published.manifest"

    @property
    def pending(self) -> Path:
        """The paths to invalidate."""
        return self.settings.pending_dir / "pending-paths"

    @property
    def run(self) -> Path:
        """The temporary files of this run."""
        return self.settings.build_dir / "run"

    @property
    def published_before(self) -> Path:
        """A copy of published.manifest from the start of the run, to restore if AWS refuses everything."""
        return self.run / "published.before"

    def published_at(self, destination: str) -> Path:
        """The published.manifest of another destination, from the last upload to it."""
        return self.settings.build_dir / f"published.{sha256(destination.encode())[:8]}.manifest"

    @property
    def mark(self) -> Path:
        """The mark to upload."""
        return self.run / "mark"

    @property
    def listing(self) -> Path:
        """The folder with the listing of the bucket."""
        return self.run / "listing"

    def stage(self, number: int) -> Path:
        """The folder with the files of step `number` of the plan."""
        return self.run / "stage" / str(number)

    def key(self, path: str) -> str:
        """The S3 key of the site's file `path`."""
        return f"{self.settings.prefix}/{path}" if self.settings.prefix else path

    def manifest(self) -> dict[str, str]:
        """Read site.manifest; raise Refused if it cannot be read."""
        try:
            return read_manifest(self.settings.generated_dir / "site.manifest")
        except (OSError, ValueError) as error:
            raise Refused("incomplete site: cannot read site.manifest", cause=str(error)) from error

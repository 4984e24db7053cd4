"""Holds the migrations against the models, on a fresh database; with a name, writes the migration that is missing.

python tools/migrations.py              fails when a model has changed and no migration says so
python tools/migrations.py "add units"  writes it
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

BIN = Path(sys.executable).parent


def main(name: str | None) -> None:
    """Bring an empty database up to date, then compare or write."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{folder}/fresh.db"
        path = os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)])  # alembic.ini calls ruff
        environment = {**os.environ, "DUTYDESK_DATABASE_URL": url, "PATH": path}
        last = (
            [BIN / "alembic", "revision", "--autogenerate", "-m", name]
            if name
            else [BIN / "alembic", "check"]
        )
        for command in ([BIN / "dutydesk", "db", "upgrade"], last):
            done = subprocess.run(command, env=environment, check=False)
            if done.returncode:
                sys.exit(f"dutydesk: {' '.join(Path(part).name for part in map(str, command))} failed.")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)

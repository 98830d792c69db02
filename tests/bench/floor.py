"""The floor: a bare GET, a SHA-256, an SQLite row and a file for each address. Standard library only."""

import hashlib
import sqlite3
import sys
import urllib.request
from pathlib import Path

folder, port, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
(folder / "files").mkdir(parents=True, exist_ok=True)
db = sqlite3.connect(folder / "floor.db")
db.execute("CREATE TABLE files (url TEXT, sha256 TEXT, size INTEGER)")
for number in range(count):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{number}.jpg") as answer:
        body = answer.read()
    sha256 = hashlib.sha256(body).hexdigest()
    (folder / "files" / sha256).write_bytes(body)
    db.execute("INSERT INTO files VALUES (?, ?, ?)", (f"/{number}.jpg", sha256, len(body)))
    db.commit()
db.close()

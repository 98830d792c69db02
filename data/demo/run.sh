#!/bin/sh
# The whole job on invented people, without a network: a look in March, a second look two weeks later, and what the
# archive says of it. Needs nothing but the installed package; BIN is where `archiver` is.
set -eu
cd "$(dirname "$0")/../.."
archiver=${BIN:-.venv/bin}/archiver
db=${DB:-data/demo.db}

say() { printf '\n=== %s\n\n' "$1"; }

rm -f "$db" "$db-wal" "$db-shm" "$db.lock"

say "1. Four documents quote an invented town. Every post that they quote is captured (16 March 2026)."
"$archiver" run data/demo/seeds --replay data/demo/first --db "$db"
cat <<'WORDS'

How to read it: "resolved" says which post a place in a document stands for, and how that is known. The verdict says
how the quoted words stand to the captured post: exact, normalised, same-words and truncated are faithful; altered is
not; spliced was put together from several posts; not-found and not-judged blame nobody.
WORDS

say "2. Two weeks later all of it is looked at again: two posts were edited, three are gone."
"$archiver" run data/demo/seeds --replay data/demo/later.warc --recheck --db "$db"

say "3. A quotation of a quotation of a quotation, followed to its origin."
"$archiver" show https://x.com/ada_of_lanternwick/status/2032135780561846272 --db "$db"

say "4. The bulletin misquotes this post."
"$archiver" show https://x.com/bo_of_lanternwick/status/2032522075960246272 --db "$db"

say "5. This post was edited, and says so."
"$archiver" show https://social.lanternwick.example/@moss/116215499980800000 --db "$db"

say "6. This post was deleted: the author's own signed repository proves that it held it, and that it holds it no more."
"$archiver" show https://bsky.app/profile/ivy.lanternwick.example/post/3mgwae75i2222 --db "$db"

say "7. An editor checks a draft before it is printed. Nothing is asked and nothing stored; exit code 8 stops the press."
"$archiver" check data/demo/draft.md --db "$db" --html "${db%.db}-check.html" || test $? -eq 8
echo "Both texts side by side: ${db%.db}-check.html"

say "8. Everything said above is made again from the stored evidence alone."
"$archiver" rebuild --check --db "$db"

say "Open the reading room: archiver serve --db $db"
echo "http://127.0.0.1:8001/$(basename "$db" .db)"

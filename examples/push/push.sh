#!/usr/bin/env bash
# Mirrors an exported folder to a source of kind push. Needs bash, curl 7.76 or newer, and jq 1.6.
#
#     CAIRN_URL=https://cairn.example.com CAIRN_TOKEN=cairn_... push.sh FOLDER SOURCE
#
# FOLDER/index.json lists the documents. Whatever the source has and the list has not is erased.
# Exit code 0: the source is as the folder; else something failed, and standard error says what.
set -euo pipefail
export LC_ALL=C # awk counts bytes

if [ $# -ne 2 ] || [ -z "${CAIRN_URL:-}" ] || [ -z "${CAIRN_TOKEN:-}" ]; then
  sed -n '2,7s/^#//p' "$0" >&2
  exit 2
fi
folder=$1
documents=$CAIRN_URL/api/v1/sources/$2/documents

umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'Authorization: Bearer %s\n' "$CAIRN_TOKEN" >"$work/token" # other users see the arguments of programs

fail() {
  echo "push.sh: $*" >&2
  exit 1
}

# request OUTPUT ARGUMENTS… sends a request with curl, which sends it again where that may help: after
# 429, 500, 502, 503 and 504 and without a connection, when Retry-After says or after growing pauses.
request() {
  local output=$1
  shift
  curl --silent --show-error --fail-with-body --retry 8 --retry-connrefused --retry-max-time 900 \
    --max-time 300 --header @"$work/token" --output "$output" "$@" ||
    fail "$(jq -r .error.message "$output" 2>/dev/null || echo "no reply of Cairn at $CAIRN_URL")"
}

# line FILE ENTRY prints the line of the batch for an entry of the index. A document is for those who are
# in one of each list of "allow" and in none of "deny"; an entry without a space is an error.
# shellcheck disable=SC2016 # the variables are jq's
line() {
  local content=$folder/$1 field=text type
  case $1 in
    *.txt) type=text/plain ;;
    *.md) type=text/markdown ;;
    *.html) type=text/html ;;
    *.pdf) type=application/pdf field=content_base64 ;;
    *) echo "what $1 is cannot be told by its ending" >&2 && return 1 ;;
  esac
  if [ $field != text ]; then
    base64 <"$content" | tr -d '\n' >"$work/content" || return 1
    content=$work/content
  fi
  jq -c --rawfile content "$content" --arg field $field --arg type $type '
    def users: map("user:" + ascii_downcase);
    (.space // error("nothing says who may read it")) as $space
    | {id, title, url, author, updated_at: .changed, attributes: (.labels // {}), media_type: $type, ($field): $content,
       acl: {allow: ([[if $space == "all" then "everyone" else "group:cairn:" + $space end]]
                     + if has("restricted") then [.restricted | users] else [] end),
             deny: ((.barred // []) | users)}}' <<<"$2"
}

# send FILE carries out the lines of a file, in batches of 1,000 lines and 40 MB, and appends to the file
# failures what failed: {"code", "message", "id"}, one a line.
send() {
  local part
  rm -f "$work"/part-*
  awk -v to="$work/part-" '
    { size += length($0) + 1; n++ }
    n > 1000 || size > 40000000 { part++; n = 1; size = length($0) + 1 }
    { print > (to sprintf("%06d", part)) }' "$1"
  for part in "$work"/part-*; do
    [ -e "$part" ] || return 0
    request "$work/results" --header 'Content-Type: application/x-ndjson' --data-binary @"$part" "$documents/batch"
    [ "$(wc -l <"$work/results")" -eq "$(wc -l <"$part")" ] || fail "the reply was cut short: run this again"
    jq -c 'select(.error) | .error + {id}' "$work/results" >>"$work/failures"
  done
}

# listed prints the ids that the source has, as JSON, one a line.
listed() {
  local cursor=
  while :; do
    request "$work/page" --get --data limit=200 ${cursor:+--data-urlencode "cursor=$cursor"} "$documents"
    jq -c '.documents[].external_id' "$work/page"
    cursor=$(jq -r '.next_cursor // empty' "$work/page")
    [ -n "$cursor" ] || return 0
  done
}

touch "$work/failures" "$work/lines"
jq -r '.[] | .file, tojson' "$folder/index.json" >"$work/entries" || fail "$folder/index.json cannot be read; nothing was changed"
[ -s "$work/entries" ] || fail "the export is empty; nothing was changed"
while IFS= read -r file && IFS= read -r entry; do
  line "$file" "$entry" >>"$work/lines" 2>"$work/reason" ||
    jq -c --rawfile reason "$work/reason" '{code: "local", message: $reason, id}' <<<"$entry" >>"$work/failures"
done <"$work/entries"
send "$work/lines"

# What was refused is not kept: what it was, and who might read that, is not true any more.
jq -c 'select(.code != "internal" and .code != "unavailable") | .id' "$work/failures" | sort >"$work/refused"
jq -c '.[].id' "$folder/index.json" | sort -u | comm -23 - "$work/refused" >"$work/keep"
listed | sort >"$work/known"
comm -23 "$work/known" "$work/keep" >"$work/gone"

known=$(wc -l <"$work/known") gone=$(wc -l <"$work/gone")
if [ "$gone" -gt 3 ] && [ $((gone * 10)) -gt $((known * 3)) ] && [ "${CONFIRM:-}" != yes ]; then
  fail "$gone of $known documents would be erased: set CONFIRM=yes if that is right"
fi
jq -c '{id: ., delete: true}' "$work/gone" >"$work/removals"
send "$work/removals"

echo "$(wc -l <"$work/keep") documents, $gone erased"
# What somebody else has erased meanwhile is gone, as it should be.
jq -r 'select(.code != "not_found") | "\(.id): \(.message)"' "$work/failures" >&2
jq -es 'all(.code == "not_found")' "$work/failures" >/dev/null || exit 1

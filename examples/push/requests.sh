#!/usr/bin/env bash
# Every request of the push API once, with curl. Needs bash, curl 7.76 or newer, and jq 1.6.
#
#     CAIRN_URL=https://cairn.example.com CAIRN_TOKEN=cairn_... requests.sh FOLDER SOURCE
set -euo pipefail
folder=$1
documents=$CAIRN_URL/api/v1/sources/$2/documents

# cairn ARGUMENTS… sends a request; the token is not among the arguments, which other users see.
cairn() {
  curl --silent --show-error --fail-with-body --retry 8 --header @<(printf 'Authorization: Bearer %s\n' "$CAIRN_TOKEN") "$@"
}

# put ID stores the document on standard input under an id of your own.
put() {
  cairn --request PUT --header 'Content-Type: application/json' --data-binary @- "$documents?id=$(jq -rn --arg id "$1" '$id | @uri')"
}

# Text, for everybody who is signed in.
put note/1 <<'END'
{"title": "Coffee", "text": "The coffee machine is descaled on Mondays.", "media_type": "text/plain",
 "acl": {"allow": [["everyone"]]}}
END

# Markdown with all that may be said of a document; HTML is the same with "text/html".
jq -Rs '{title: "Parking at the depot", text: ., media_type: "text/markdown", url: "https://wiki.example.com/page/1",
  author: "Ann Example", updated_at: "2026-10-02T09:30:00Z", attributes: {team: "facility"},
  acl: {allow: [["everyone"]]}}' "$folder/parking.md" | put page/1

# A PDF file, for Ann alone of the group facility, and never for Bob.
base64 <"$folder/lease.pdf" | tr -d '\n' | jq -R '{title: "Lease of the depot", content_base64: ., media_type: "application/pdf",
  acl: {allow: [["group:cairn:facility"], ["user:ann@example.com"]], deny: ["user:bob@example.com"]}}' | put page/3

# Up to 1,000 documents at once, and removals among them: a line each, and a line of the reply for each.
cairn --header 'Content-Type: application/x-ndjson' --data-binary @- "$documents/batch" <<'END'
{"id": "note/2", "title": "Windows", "text": "The windows are cleaned in May.", "acl": {"allow": [["everyone"]]}}
{"id": "note/3", "title": ""}
{"id": "note/1", "delete": true}
END

# What the source has, 200 a page: go on with &cursor= and next_cursor until that is null.
cairn "$documents?limit=200"

# Without a batch, one is removed so: 204, and nothing in the reply.
cairn --request DELETE "$documents?id=note%2F2"

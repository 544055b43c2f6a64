#!/usr/bin/env bash
# Asks a question with curl: which models there are, the answer with its sources, and the
# answer as it comes.
#
#   CAIRN_URL=https://cairn.example.com CAIRN_TOKEN=cairn_… bash ask.sh "What is the hotel limit in Oslo?"
set -euo pipefail

cairn() { curl --silent --show-error --fail-with-body --header "Authorization: Bearer $CAIRN_TOKEN" "$@"; }

cairn "$CAIRN_URL/v1/models" | jq -r '.data[].id'

question=$(jq -n --arg text "$1" '{model: "extractive", messages: [{role: "user", content: $text}]}')
cairn --json "$question" "$CAIRN_URL/v1/chat/completions" |
  jq -r '.choices[0].message | .content, ([.annotations[].url_citation.url] | unique[])'

cairn --no-buffer --json "$(jq '.stream = true' <<<"$question")" "$CAIRN_URL/v1/chat/completions"

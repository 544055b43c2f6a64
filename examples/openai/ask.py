"""Asks a question with OpenAI's client and prints the answer as it comes, then what
the documents say.

    CAIRN_URL=https://cairn.example.com CAIRN_TOKEN=cairn_… python ask.py "What is the hotel limit in Oslo?"
"""

import os
import sys

from openai import OpenAI

client = OpenAI(base_url=os.environ["CAIRN_URL"] + "/v1", api_key=os.environ["CAIRN_TOKEN"])
stream = client.chat.completions.create(
    model=os.environ.get("CAIRN_MODEL", "extractive"),
    messages=[{"role": "user", "content": sys.argv[1]}],
    stream=True,
)
citations = []
for chunk in stream:
    for choice in chunk.choices:
        print(choice.delta.content or "", end="", flush=True)
        citations += getattr(choice.delta, "annotations", [])
print()
for citation in citations:
    print(f'- {citation["url_citation"]["title"]}: “{citation["cairn"]["quote"]}” {citation["url_citation"]["url"]}')

#!/usr/bin/env python3
"""Mirrors an exported folder to a source of kind push. Needs Python 3.9 and nothing else.

    CAIRN_URL=https://cairn.example.com CAIRN_TOKEN=cairn_... python3 push.py FOLDER SOURCE

FOLDER/index.json lists the documents. Whatever the source has and the list has not is erased.
Exit code 0: the source is as the folder; 1: something failed, and standard error says what.
"""

import base64
import email.utils
import http.client
import json
import os
import pathlib
import random
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

LINES, BYTES = 1000, 40_000_000  # of one request; the server takes 1,000 lines and 48 MiB
ATTEMPTS, LONGEST = 8, 600  # of one request; seconds to wait at most
AGAIN = {429, 500, 502, 503, 504}  # what may succeed when it is sent again
TEXTS = {".txt": "text/plain", ".md": "text/markdown", ".html": "text/html"}
FILES = {".pdf": "application/pdf"}


class Refused(Exception):
    """What is wrong with a document or a request; sending it again does not help."""


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None  # the token is for this server alone


class Cairn:
    """One source of a server."""

    def __init__(self, url, token, source):
        self.documents = f"{url.rstrip('/')}/api/v1/sources/{urllib.parse.quote(source, safe='')}/documents"
        self.token = token
        self.open = urllib.request.build_opener(NoRedirects).open

    def request(self, method, address, body=None):
        """Sends a request until it succeeds, cannot succeed, or has been sent too often."""
        headers = {"Authorization": "Bearer " + self.token, "Content-Type": "application/x-ndjson"}
        for attempt in range(1, ATTEMPTS + 1):
            wait = min(2 ** attempt, 60) * random.uniform(0.5, 1)
            try:
                request = urllib.request.Request(address, body, headers, method=method)
                with self.open(request, timeout=300) as reply:
                    return reply.read()
            except urllib.error.HTTPError as e:
                reason = message(e)
                if e.code not in AGAIN or attempt == ATTEMPTS:
                    raise Refused(reason) from None
                wait = max(wait, seconds(e.headers.get("Retry-After")))
            except (OSError, http.client.HTTPException) as e:  # no connection, or one that broke
                reason = str(e) or type(e).__name__
                if attempt == ATTEMPTS:
                    raise Refused(f"no reply from {address}: {reason}") from None
            print(f"{reason}; again in {wait:.0f} s", file=sys.stderr)
            time.sleep(min(wait, LONGEST))

    def send(self, lines):
        """Carries out lines of a batch and yields (id, error or None) of each."""
        for part in parts(lines):
            body = "".join(json.dumps(line) + "\n" for line in part).encode()
            results = self.request("POST", self.documents + "/batch", body).splitlines()
            if len(results) != len(part):
                raise Refused("the reply was cut short: run this again")
            for result in map(json.loads, results):
                yield result["id"], result.get("error")

    def listed(self):
        """Returns the ids that the source has."""
        ids, cursor = [], None
        while True:
            query = {"limit": 200, **({"cursor": cursor} if cursor else {})}
            page = json.loads(self.request("GET", self.documents + "?" + urllib.parse.urlencode(query)))
            ids += [document["external_id"] for document in page["documents"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return ids


def message(error):
    """Returns what the server says of a failure."""
    try:
        return json.loads(error.read())["error"]["message"]
    except (OSError, ValueError, KeyError, TypeError):
        return f"{error.code} {error.reason}"


def seconds(retry_after):
    """Returns how long Retry-After, a number of seconds or a date, asks to wait."""
    if not retry_after:
        return 0
    if retry_after.isdigit():
        return int(retry_after)
    try:
        return email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time()
    except (TypeError, ValueError):
        return 0


def parts(lines):
    """Cuts lines into what one request may hold."""
    part, size = [], 0
    for line in lines:
        length = len(json.dumps(line)) + 1
        if part and (len(part) == LINES or size + length > BYTES):
            yield part
            part, size = [], 0
        part.append(line)
        size += length
    if part:
        yield part


def acl(entry):
    """Returns who may read a document: one of every list in "allow", and none of "deny"."""

    def user(address):
        return "user:" + address.lower()

    space = entry.get("space")
    if not space:
        raise Refused("nothing says who may read it")  # which never means everyone
    allow = [["everyone" if space == "all" else "group:cairn:" + space]]
    if "restricted" in entry:
        allow.append([user(address) for address in entry["restricted"]])
    return {"allow": allow, "deny": [user(address) for address in entry.get("barred", [])]}


def line(folder, entry):
    """Returns the line of the batch for a document."""
    path = folder / entry["file"]
    out = {key: entry[key] for key in ("id", "title", "url", "author") if key in entry}
    out.update(updated_at=entry["changed"], attributes=entry.get("labels", {}), acl=acl(entry))
    if path.suffix in TEXTS:
        out.update(text=path.read_text(encoding="utf-8"), media_type=TEXTS[path.suffix])
    elif path.suffix in FILES:
        out.update(content_base64=base64.b64encode(path.read_bytes()).decode(), media_type=FILES[path.suffix])
    else:
        raise Refused(f"what {path.name} is cannot be told by its ending")
    return out


def mirror(cairn, folder):
    """Makes the source as the folder is, and returns whether nothing failed."""
    entries = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    if not entries:
        raise Refused("the export is empty; nothing was changed")
    failed, keep = False, {entry["id"] for entry in entries}

    def lines():
        nonlocal failed
        for entry in entries:
            try:
                yield line(folder, entry)
            except (Refused, OSError, ValueError, KeyError, TypeError) as e:
                failed = True
                keep.discard(entry["id"])
                print(f"{entry['id']}: {e if isinstance(e, Refused) else repr(e)}", file=sys.stderr)

    for name, error in cairn.send(lines()):
        if error:
            failed = True
            print(f"{name}: {error['message']}", file=sys.stderr)
            if error["code"] not in ("internal", "unavailable"):
                keep.discard(name)  # what it was, and who might read that, is not true any more

    known = cairn.listed()
    gone = [name for name in known if name not in keep]
    if len(gone) > 3 and len(gone) > 0.3 * len(known) and os.environ.get("CONFIRM") != "yes":
        raise Refused(f"{len(gone)} of {len(known)} documents would be erased: set CONFIRM=yes if that is right")
    for name, error in cairn.send({"id": name, "delete": True} for name in gone):
        if error and error["code"] != "not_found":  # somebody else has erased it
            failed = True
            print(f"{name}: {error['message']}", file=sys.stderr)
    print(f"{len(keep)} documents, {len(gone)} erased")
    return not failed


def main():
    try:
        folder, source = sys.argv[1:]
        cairn = Cairn(os.environ["CAIRN_URL"], os.environ["CAIRN_TOKEN"], source)
    except (ValueError, KeyError):
        sys.exit(__doc__)
    try:
        sys.exit(0 if mirror(cairn, pathlib.Path(folder)) else 1)
    except (Refused, OSError, ValueError, KeyError, TypeError) as e:
        sys.exit(f"push.py: {e}")


if __name__ == "__main__":
    main()

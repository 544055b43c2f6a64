"""Lists the tools of a Cairn server and calls each of them once, in one line of JSON each.

    CAIRN_TOKEN=cairn_... python3 tools.py http://127.0.0.1:8080/mcp "hotel limit"
    python3 tools.py "cairn mcp" "hotel limit"
"""

import asyncio
import json
import os
import shlex
import sys

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client


def server(at):
    if at.startswith("http"):
        headers = {"Authorization": "Bearer " + os.environ["CAIRN_TOKEN"]}
        return streamable_http_client(at, http_client=httpx2.AsyncClient(headers=headers, timeout=60))
    command, *args = shlex.split(at)
    return StdioServerParameters(command=command, args=args, env=dict(os.environ))


async def main(at, query):
    async with Client(server(at)) as client:
        listed = await client.list_tools()
        print(json.dumps({"tools": [tool.name for tool in listed.tools]}))

        async def call(name, **arguments):
            result = await client.call_tool(name, arguments)
            print(json.dumps({"tool": name, "result": result.model_dump(mode="json", by_alias=True)}))
            return result.structured_content or {}

        found = await call("search", query=query)
        await call("fetch", id=found["results"][0]["id"])
        await call("ask", question=query)
        code = await call("search_code", query=query)
        if code["results"]:
            piece = code["results"][0]
            await call("read_file", repo=piece["repo"], path=piece["path"])
        await call("list_sources")


asyncio.run(main(*sys.argv[1:]))

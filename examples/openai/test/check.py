"""Uses OpenAI's client for Python in every way that docs/openai.md names, and prints
what came back as one JSON document, which the tests of cmd/cairn read."""

import asyncio
import json
import os
import sys

import openai

question = sys.argv[1]
base = os.environ["CAIRN_URL"] + "/v1"
client = openai.OpenAI(base_url=base, api_key=os.environ["CAIRN_TOKEN"], max_retries=0)
ask = [{"role": "user", "content": question}]
out = {}


def streamed(chunks):
    chunks = list(chunks)
    choices = [choice for chunk in chunks for choice in chunk.choices]
    return {
        "content": "".join(choice.delta.content or "" for choice in choices),
        "annotations": [a for choice in choices for a in getattr(choice.delta, "annotations", [])],
        "finish": choices[-1].finish_reason,
        "usage": chunks[-1].usage and chunks[-1].usage.model_dump(),
        "ids": len({chunk.id for chunk in chunks}),
    }


def error(call):
    try:
        call()
    except openai.APIError as e:
        return {"class": type(e).__name__, "status": getattr(e, "status_code", 0), "code": e.code, "param": e.param, "type": e.type}
    return None


def create(**more):
    return client.chat.completions.create(**{"model": "extractive", "messages": ask, **more})


out["models"] = [m.id for m in client.models.list()]
out["model"] = client.models.retrieve("extractive").id
whole = create(temperature=0.2, user="ann", seed=1, n=1)
message = whole.choices[0].message
out["whole"] = {
    "content": message.content,
    "annotations": [a.model_dump() for a in message.annotations],
    "finish": whole.choices[0].finish_reason,
    "usage": whole.usage.model_dump(),
    "outcome": whole.cairn["outcome"],
}
out["streamed"] = streamed(create(stream=True, stream_options={"include_usage": True}))
with client.chat.completions.stream(model="extractive", messages=ask) as helper:
    out["helper"] = helper.get_final_completion().choices[0].message.content
turns = [
    {"role": "system", "content": "Answer briefly."},
    *ask,
    {"role": "assistant", "content": message.content},
    {"role": "user", "content": [{"type": "text", "text": "And in Lisbon?"}]},
]
out["turns"] = create(messages=turns).choices[0].message.content
out["short"] = create(max_tokens=3).choices[0].finish_reason
out["stopped"] = create(stop=["NOK"]).choices[0].message.content
out["plain"] = create(extra_body={"cairn": {"inline_citations": False}}).choices[0].message.content
out["nothing"] = create(messages=[{"role": "user", "content": "What is zephyrium?"}]).choices[0].message.content
out["errors"] = {
    "token": error(lambda: openai.OpenAI(base_url=base, api_key="cairn_wrong", max_retries=0).models.list()),
    "model": error(lambda: create(model="gpt-4o")),
    "n": error(lambda: create(n=2)),
    "tools": error(lambda: create(tools=[{"type": "function", "function": {"name": "f"}}])),
    "image": error(lambda: create(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}])),
}


async def later():
    async with openai.AsyncOpenAI(base_url=base, api_key=os.environ["CAIRN_TOKEN"]) as several:
        stream = await several.chat.completions.create(model="extractive", messages=ask, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


out["async"] = asyncio.run(later())
json.dump(out, sys.stdout)

"""Uses LangChain's ChatOpenAI, streaming and not, and prints what came back as one JSON
document, which the tests of cmd/cairn read."""

import asyncio
import json
import os
import sys

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI

question = sys.argv[1]
model = ChatOpenAI(base_url=os.environ["CAIRN_URL"] + "/v1", api_key=os.environ["CAIRN_TOKEN"], model="extractive", max_retries=0)
whole = model.invoke(question)
chunks = list(model.stream(question, stream_usage=True))
total = chunks[0]
for chunk in chunks[1:]:
    total += chunk
turns = [SystemMessage("Answer briefly."), HumanMessage(question), AIMessage(whole.content), HumanMessage("And in Lisbon?")]


async def later():
    return "".join([chunk.content async for chunk in model.astream(question)])


json.dump(
    {
        "whole": whole.content,
        "finish": whole.response_metadata["finish_reason"],
        "model": whole.response_metadata["model_name"],
        "usage": whole.usage_metadata,
        "streamed": total.content,
        "streamed_finish": total.response_metadata["finish_reason"],
        "streamed_usage": total.usage_metadata,
        "turns": model.invoke(turns).content,
        "stopped": model.bind(stop=["NOK"]).invoke(question).content,
        "async": asyncio.run(later()),
        "batch": [m.content for m in model.batch([question, question])],
    },
    sys.stdout,
)

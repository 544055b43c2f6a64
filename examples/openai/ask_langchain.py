"""Asks a question with LangChain, as a step of a chain.

    CAIRN_URL=https://cairn.example.com CAIRN_TOKEN=cairn_… python ask_langchain.py "What is the hotel limit in Oslo?"
"""

import os
import sys

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI

model = ChatOpenAI(
    base_url=os.environ["CAIRN_URL"] + "/v1",
    api_key=os.environ["CAIRN_TOKEN"],
    model=os.environ.get("CAIRN_MODEL", "extractive"),
)
prompt = ChatPromptTemplate([("system", "Answer briefly."), ("user", "{question}")])
chain = prompt | model | StrOutputParser()
for text in chain.stream({"question": sys.argv[1]}):
    print(text, end="", flush=True)
print()

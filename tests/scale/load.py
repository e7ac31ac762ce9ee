"""A load of chats and streams, and what became of each."""

import asyncio
import dataclasses
import itertools
import json
import time

import httpx

from processes import TOKEN


@dataclasses.dataclass
class Outcome:
    prompt: str
    streamed: bool
    began: float
    ended: float
    # None where the reply came whole.
    failure: str | None


class Load:
    """Workers that ask one question after the other until they are told to stop."""

    def __init__(self, base_url, chats=8, streams=4):
        self.base_url = base_url
        self.outcomes = []
        self._numbers = itertools.count()
        self._over = False
        self._chats, self._streams = chats, streams

    async def __aenter__(self):
        limits = httpx.Limits(max_connections=None)
        self._client = httpx.AsyncClient(timeout=30, limits=limits, headers={"authorization": f"Bearer {TOKEN}"})
        kinds = [False] * self._chats + [True] * self._streams
        self._workers = [asyncio.create_task(self._work(streamed)) for streamed in kinds]
        return self

    async def __aexit__(self, *_):
        self._over = True
        await asyncio.gather(*self._workers)
        await self._client.aclose()

    async def _work(self, streamed):
        while not self._over:
            prompt = f"question {next(self._numbers)}"
            began = time.monotonic()
            try:
                failure = await (self._stream(prompt) if streamed else self._chat(prompt))
            except httpx.HTTPError as error:
                failure = f"{type(error).__name__}: {error}"
            self.outcomes.append(Outcome(prompt, streamed, began, time.monotonic(), failure))

    def _request(self, prompt, streamed):
        message = {"role": "user", "content": prompt}
        body = {"model": "@openai/gpt-5-mini", "messages": [message], "stream": streamed}
        return self._client.stream("POST", f"{self.base_url}/v1/chat/completions", json=body)

    async def _chat(self, prompt):
        async with self._request(prompt, False) as response:
            body = await response.aread()
            if response.status_code != 200:
                return f"status {response.status_code}: {body[:200]!r}"
            answer = json.loads(body)["choices"][0]["message"]["content"]
            return None if prompt in answer else f"another's answer: {answer!r}"

    async def _stream(self, prompt):
        async with self._request(prompt, True) as response:
            if response.status_code != 200:
                return f"status {response.status_code}: {(await response.aread())[:200]!r}"
            text, done = "", False
            async for line in response.aiter_lines():
                data = line.removeprefix("data: ")
                if data == "[DONE]":
                    done = True
                elif line.startswith("data: "):
                    chunk = json.loads(data)
                    if "error" in chunk:
                        return f"an error in the stream: {chunk}"
                    text += "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])
            if not done:
                return "the stream was cut short"
            return None if prompt in text else f"another's answer: {text!r}"

    def failed(self):
        return [outcome for outcome in self.outcomes if outcome.failure]

    def in_flight_at(self, moment):
        return [outcome for outcome in self.outcomes if outcome.began <= moment <= outcome.ended]

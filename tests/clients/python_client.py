"""The official OpenAI client for Python against the gateway. clients.test.mjs starts the servers and runs this."""

import base64
import os
import unittest

import openai

TOKEN = os.environ["TOKEN"]
HOSTED = openai.OpenAI(base_url=os.environ["HOSTED_URL"], api_key=TOKEN, max_retries=0)
REAL = openai.OpenAI(base_url=os.environ["REAL_URL"], api_key=TOKEN, max_retries=0)
MODEL = "@openai/gpt-5-mini"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def ask(text):
    return [{"role": "user", "content": text}]


def create(client, text, model=MODEL, **options):
    return client.chat.completions.create(model=model, messages=ask(text), **options)


class Clients(unittest.TestCase):
    def each(self):
        for name, client in (("hosted", HOSTED), ("real", REAL)):
            with self.subTest(name):
                yield client

    def test_whole_and_streamed(self):
        for client in self.each():
            whole = create(client, "tell me of ships")
            chunks = list(create(client, "tell me of ships", stream=True, stream_options={"include_usage": True}))
            text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
            self.assertEqual(text, whole.choices[0].message.content)
            self.assertGreater(len(chunks), 5)
            self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
            self.assertEqual(chunks[-1].usage, whole.usage)
            self.assertEqual(chunks[-2].choices[0].finish_reason, "stop")

    def test_vectors_speech_and_transcripts(self):
        for client in self.each():
            texts = ["a ship", "a boat"]
            vectors = client.embeddings.create(model="text-embedding-3-small", input=texts, dimensions=16).data
            self.assertEqual([len(vector.embedding) for vector in vectors], [16, 16])
            with client.audio.speech.with_streaming_response.create(model="tts-1", voice="nova", input="Hello, you.") as speech:
                audio = b"".join(speech.iter_bytes())
            self.assertTrue(audio.startswith(b"ID3"))
            heard = client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", audio))
            self.assertEqual(heard.text, "Hello, you.")

    def test_tools(self):
        tools = [{"type": "function", "function": {"name": name, "parameters": CITY}} for name in ("get_weather", "get_time")]
        for client in self.each():
            with client.chat.completions.stream(model=MODEL, messages=ask("Use get_weather and get_time for Paris."), tools=tools) as stream:
                final = stream.get_final_completion().choices[0]
            self.assertEqual(final.finish_reason, "tool_calls")
            self.assertEqual([call.function.name for call in final.message.tool_calls], ["get_weather", "get_time"])
            results = [{"role": "tool", "tool_call_id": call.id, "content": "rain"} for call in final.message.tool_calls]
            messages = [*ask("Use get_weather and get_time for Paris."), final.message.model_dump(exclude_none=True), *results]
            answer = client.chat.completions.create(model=MODEL, messages=messages, tools=tools)
            self.assertIn("rain", answer.choices[0].message.content)

    def test_late_results_of_guardrails(self):
        options = {"stream_options": {"include_usage": True}}
        with HOSTED.chat.completions.stream(model="fault/guardrail-late", messages=ask("hello"), **options) as stream:
            *_, last = (event.chunk for event in stream if event.type == "chunk")
            self.assertEqual(stream.get_final_completion().usage, last.usage)
        self.assertGreater(last.usage.total_tokens, 0)
        self.assertTrue(last.hook_results)

    def test_images(self):
        for client, model in zip(self.each(), ("@openai/gpt-image-1", "gpt-image-1")):
            drawn = client.images.generate(model=model, prompt="a lighthouse", size="256x256")
            png = base64.b64decode(drawn.data[0].b64_json)
            self.assertEqual(png[1:4], b"PNG")
            edited = client.images.edit(model=model, prompt="at night", image=("a.png", png, "image/png"), mask=("m.png", png, "image/png"))
            self.assertNotEqual(edited.data[0].b64_json, drawn.data[0].b64_json)

    def test_models(self):
        for client in self.each():
            self.assertTrue(all(model.id and model.object == "model" for model in client.models.list()))

    def test_errors(self):
        for model, expected, status, code in (
            ("fault/400", openai.BadRequestError, 400, "context_length_exceeded"),
            ("fault/invalid-key", openai.AuthenticationError, 401, "03"),
            ("fault/forbidden", openai.PermissionDeniedError, 403, "033"),
            ("fault/404", openai.NotFoundError, 404, "model_not_found"),
            ("fault/key-budget", openai.APIStatusError, 412, "04"),
            ("fault/429", openai.RateLimitError, 429, "rate_limit_exceeded"),
            ("fault/guardrail", openai.APIStatusError, 446, "content_blocked"),
            ("fault/500", openai.InternalServerError, 500, "overloaded"),
            ("fault/503", openai.InternalServerError, 503, "overloaded"),
        ):
            for stream in (False, True):
                with self.subTest(model, stream=stream), self.assertRaises(expected) as raised:
                    create(HOSTED, "hello", model, stream=stream)
                error = raised.exception
                self.assertEqual((error.status_code, error.code), (status, code))
                self.assertIsNotNone(error.body["origin"])
                if status == 429:
                    self.assertEqual(error.response.headers["retry-after"], "2")
                    self.assertRegex(error.request_id, "^[0-9a-f-]{36}$")

    def test_broken_streams(self):
        for model, code in (("fault/cut", "truncated"), ("fault/reset", "truncated"), ("fault/error-event", "overloaded")):
            chunks = []
            with self.subTest(model), self.assertRaises(openai.APIError) as raised:
                for chunk in create(HOSTED, "a question of some words", model, stream=True):
                    chunks.append(chunk)
            self.assertEqual(raised.exception.code, code)
            self.assertTrue(chunks)

    def test_strangers(self):
        with self.assertRaises(openai.AuthenticationError):
            create(openai.OpenAI(base_url=HOSTED.base_url, api_key="wrong", max_retries=0), "hello")


if __name__ == "__main__":
    unittest.main()

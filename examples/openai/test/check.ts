// Uses OpenAI's client for TypeScript in every way that docs/openai.md names, and prints
// what came back as one JSON document, which the tests of cmd/cairn read.

import OpenAI from "openai";

const question = process.argv[2] ?? "";
const baseURL = process.env["CAIRN_URL"] + "/v1";
const client = new OpenAI({ baseURL, apiKey: process.env["CAIRN_TOKEN"], maxRetries: 0 });
const ask: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: question }];
const model = "extractive";

type Annotation = OpenAI.ChatCompletionMessage.Annotation;

async function streamed() {
  const stream = await client.chat.completions.create({ model, messages: ask, stream: true, stream_options: { include_usage: true } });
  let content = "";
  let finish: string | null = null;
  let usage: OpenAI.CompletionUsage | null | undefined;
  const annotations: Annotation[] = [];
  const ids = new Set<string>();
  for await (const chunk of stream) {
    ids.add(chunk.id);
    usage = chunk.usage;
    for (const choice of chunk.choices) {
      content += choice.delta.content ?? "";
      annotations.push(...((choice.delta as { annotations?: Annotation[] }).annotations ?? []));
      finish = choice.finish_reason ?? finish;
    }
  }
  return { content, annotations, finish, usage, ids: ids.size };
}

async function error(call: () => PromiseLike<unknown>) {
  try {
    await call();
  } catch (e) {
    if (e instanceof OpenAI.APIError) {
      return { class: e.constructor.name, status: e.status ?? 0, code: e.code, param: e.param ?? null, type: e.type };
    }
    throw e;
  }
  return null;
}

const whole = await client.chat.completions.create({ model, messages: ask, temperature: 0.2, user: "ann", seed: 1, n: 1 });
const message = whole.choices[0]!.message;
const first = async (more: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>) =>
  (await client.chat.completions.create({ model, messages: ask, ...more })).choices[0]!;
const helper = client.chat.completions.stream({ model, messages: ask });
const models: string[] = [];
for await (const m of client.models.list()) {
  models.push(m.id);
}

const out = {
  models,
  model: (await client.models.retrieve(model)).id,
  whole: {
    content: message.content,
    annotations: message.annotations,
    finish: whole.choices[0]!.finish_reason,
    usage: whole.usage,
    outcome: (whole as unknown as { cairn: { outcome: string } }).cairn.outcome,
  },
  streamed: await streamed(),
  helper: await helper.finalContent(),
  turns: (
    await first({
      messages: [
        { role: "system", content: "Answer briefly." },
        ...ask,
        { role: "assistant", content: message.content },
        { role: "user", content: [{ type: "text", text: "And in Lisbon?" }] },
      ],
    })
  ).message.content,
  short: (await first({ max_tokens: 3 })).finish_reason,
  stopped: (await first({ stop: ["NOK"] })).message.content,
  plain: (await first({ cairn: { inline_citations: false } } as object)).message.content,
  nothing: (await first({ messages: [{ role: "user", content: "What is zephyrium?" }] })).message.content,
  errors: {
    token: await error(() => new OpenAI({ baseURL, apiKey: "cairn_wrong", maxRetries: 0 }).models.list()),
    model: await error(() => first({ model: "gpt-4o" })),
    n: await error(() => first({ n: 2 })),
    tools: await error(() => first({ tools: [{ type: "function", function: { name: "f" } }] })),
    image: await error(() => first({ messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "data:," } }] }] })),
  },
};
process.stdout.write(JSON.stringify(out));

// Asks a question with OpenAI's client and prints the answer as it comes, then what the
// documents say.
//
//     CAIRN_URL=https://cairn.example.com CAIRN_TOKEN=cairn_… npx tsx ask.ts "What is the hotel limit in Oslo?"

import OpenAI from "openai";

const { CAIRN_URL, CAIRN_TOKEN, CAIRN_MODEL = "extractive" } = process.env;

/** A citation, with the field that Cairn adds. */
type Citation = OpenAI.ChatCompletionMessage.Annotation & { cairn: { quote: string } };

const client = new OpenAI({ baseURL: CAIRN_URL + "/v1", apiKey: CAIRN_TOKEN });
const stream = await client.chat.completions.create({
  model: CAIRN_MODEL,
  messages: [{ role: "user", content: process.argv[2] ?? "" }],
  stream: true,
});
const citations: Citation[] = [];
for await (const chunk of stream) {
  for (const { delta } of chunk.choices) {
    process.stdout.write(delta.content ?? "");
    citations.push(...((delta as { annotations?: Citation[] }).annotations ?? []));
  }
}
process.stdout.write("\n");
for (const { url_citation, cairn } of citations) {
  console.log(`- ${url_citation.title}: “${cairn.quote}” ${url_citation.url}`);
}

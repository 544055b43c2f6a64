// Package openai answers programs that speak the OpenAI API: /v1/chat/completions and
// /v1/models. A completion is an answer from the documents that the token's account may
// read, made by the same engine as those of /api/v1/ask: checked sentence by sentence,
// with citations as url_citation annotations and as links in the text, because most
// programs show nothing else.
package openai

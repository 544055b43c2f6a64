// Package mcp is the MCP server at /mcp: the tools by which editors and assistants search,
// read and ask, and the description of the resource for OAuth clients. Every message is a
// request of its own (streamable HTTP without sessions), so that whoever sends it is found
// out each time, any replica answers, and nothing has to be ended when a token is revoked.
package mcp

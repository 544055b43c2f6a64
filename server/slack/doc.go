// Package slack is the bot that answers in a Slack workspace: when it is mentioned in a
// channel, in a direct message and the pane beside the channels, to /cairn, and about a
// message.
//
// What Slack sends comes by a request, which is believed by its signature, or over a
// connection that the bot has opened (Socket Mode). Either leaves one row and is answered at
// once; a job does the work, which a restart only delays. Who asks is the account that was
// approved for the address which Slack has confirmed, in one workspace: by its domain or by
// itself. Guests and people of other workspaces are refused.
//
// What is posted for all to see is made from nothing but what every member of the channel
// may read: the viewer of a public answer is the asker among the members (cairn.Viewer.Also),
// and before a word of it is posted each member is asked about by herself once more. What
// the asker may read beyond that she gets alone, with a button that shares it if, at that
// moment, everybody there may read it.
package slack

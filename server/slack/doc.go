// Package slack is the bot that answers in a Slack workspace: when it is mentioned in a
// channel, in a direct message, and to /cairn.
//
// A request of Slack is believed by its signature, leaves one row, and is answered at once;
// a job does the work, which a restart only delays. Who asks is the account whose address
// Slack has confirmed, of one workspace and of the domains that the operator has approved.
// Guests and people of other workspaces are refused.
//
// What is posted for all to see is made from nothing but what every member of the channel
// may read: the viewer of a public answer is the asker among the members (cairn.Viewer.Also),
// and before a word of it is posted each member is asked about by herself once more. What
// the asker may read beyond that she gets alone, with a button that shares it if, at that
// moment, everybody there may read it.
package slack

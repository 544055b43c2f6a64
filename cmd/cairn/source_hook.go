package main

import "github.com/cairnhq/cairn/client"

// hookLines say where the webhook of a source is, and what has come there; nothing of a
// source that can have none.
func hookLines(h *client.Webhook) []string {
	switch {
	case h == nil:
		return nil
	case !h.Ready:
		return []string{"webhook: none; give the source the secret webhook_secret, then it is " + h.URL}
	}
	lines := []string{"webhook: " + h.URL}
	if h.AcceptedAt == nil {
		lines = append(lines, "last delivery: none has been accepted yet")
	} else {
		lines = append(lines, "last delivery: "+moment(h.AcceptedAt)+" ("+h.Event+")")
	}
	if h.RefusedAt != nil && (h.AcceptedAt == nil || h.RefusedAt.After(*h.AcceptedAt)) {
		lines = append(lines, "a delivery was refused "+moment(h.RefusedAt)+": "+h.Reason)
	}
	return lines
}

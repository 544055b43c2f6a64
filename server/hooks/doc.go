// Package hooks receives what the webhooks of sources send. A sender has no account: what
// it may do is told by its signature over the body, with a secret that it shares with one
// source. All that a delivery does is that the source is read sooner, see package jobs.
//
// Whatever is not signed is answered as if there were no source, so that a stranger learns
// neither which sources there are nor which of them have a webhook.
package hooks

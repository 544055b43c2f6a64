package auth

import "net/http"

// AllowHook counts a request to the webhook of what is called so, and returns a *Limited
// when there were too many from its address: to it, or to any. There need be no such
// webhook.
func (a *Authenticator) AllowHook(r *http.Request, name string) error {
	network := networkOf(a.ClientAddr(r))
	if err := a.senders.allow(network); err != nil {
		return err
	}
	return a.hooks.allow(network + " " + name)
}

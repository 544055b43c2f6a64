package atlassian

import (
	"cmp"

	"github.com/cairnhq/cairn/connectors"
)

// DeliveryID returns the id of a delivery of a webhook, the same when it is repeated: that
// of Cloud, or that of Data Center.
func DeliveryID(d connectors.Delivery) string {
	return cmp.Or(d.Header.Get("X-Atlassian-Webhook-Identifier"), d.Header.Get("X-Request-Id"))
}

package confluence

import (
	"net/http"
	"testing"

	"github.com/cairnhq/cairn/connectors"
)

func TestHookTells(t *testing.T) {
	t.Parallel()
	for event, want := range map[string]connectors.Tells{
		"page_created": connectors.TellsChange, "page_updated": connectors.TellsChange, "page_moved": connectors.TellsChange,
		"page_restored": connectors.TellsChange, "page_trashed": connectors.TellsRemoval, "page_removed": connectors.TellsRemoval,
		"blog_created": connectors.TellsChange, "blog_trashed": connectors.TellsRemoval, "comment_removed": connectors.TellsRemoval,
		"attachment_created": connectors.TellsChange, "attachment_removed": connectors.TellsRemoval,
		"space_removed": connectors.TellsRemoval, "space_permissions_updated": connectors.TellsPermissions,
		"content_permissions_updated": connectors.TellsPermissions, "content_created": connectors.TellsChange,
		"user_removed": connectors.TellsPermissions, "group_removed": connectors.TellsPermissions,
		"page_viewed": connectors.TellsNothing, "search_performed": connectors.TellsNothing, "diagnostics:ping": connectors.TellsNothing,
	} {
		d := connectors.Delivery{Header: http.Header{"X-Request-Id": {"4b1"}}, Body: []byte(`{"timestamp": 1, "event": "` + event + `", "page": {"id": 7}}`)}
		news, err := readHook(nil, d)
		if err != nil || news.Tells != want || news.ID != "4b1" || news.Event != event {
			t.Errorf("%s: %+v, %v; want %s", event, news, err, want)
		}
		d = connectors.Delivery{Header: http.Header{"X-Event-Key": {event}}, Body: []byte(`{"test": true}`)}
		if news, err = readHook(nil, d); err != nil || news.Tells != want {
			t.Errorf("%s in the header: %+v, %v; want %s", event, news, err, want)
		}
	}
}

func FuzzHook(f *testing.F) {
	f.Add("page_created", []byte(`{"event": "page_created"}`))
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		news, err := readHook(nil, connectors.Delivery{Header: http.Header{"X-Event-Key": {event}}, Body: body})
		if (err == nil) != (news.Tells != "") {
			t.Errorf("%+v, %v", news, err)
		}
	})
}

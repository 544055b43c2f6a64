package atlassian

import (
	"fmt"
	"html"
	"net/url"
)

// Comment begins the HTML of a comment below a heading; </article> ends it. page is the
// address of what it is on. Both products open the comment that focusedCommentId names;
// those of Data Center need its anchor, too.
func Comment(page, id, heading string, cloud bool) string {
	to := "#comment-" + id
	if u, err := url.Parse(page); err == nil {
		q := u.Query()
		q.Set("focusedCommentId", id)
		if to = "?" + q.Encode() + to; cloud {
			to = "?" + q.Encode()
		}
	}
	return fmt.Sprintf("<article><h2><a rel=\"bookmark\" href=\"%s\">%s</a></h2>\n", html.EscapeString(to), html.EscapeString(heading))
}

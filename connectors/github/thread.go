package github

import (
	"context"
	"time"
)

// thread is an issue, a pull request or a discussion with what was said.
type thread struct {
	Typename    string `json:"__typename"`
	ID          string
	Number      int
	Title       string
	BodyHTML    string
	CreatedAt   time.Time
	Author      *account
	IssueState  string
	StateReason string
	PullState   string
	IsDraft     bool
	BaseRefName string
	HeadRefName string
	Closed      bool
	Category    struct{ Name string }

	Comments      connection[comment]
	Reviews       connection[review]
	ReviewThreads connection[reviewThread]
}

// comment is a comment, wherever it stands.
type comment struct {
	URL             string // with the anchor by which it is linked
	CreatedAt       time.Time
	Author          *account
	BodyHTML        string
	IsMinimized     bool
	MinimizedReason string

	ID       string // of a discussion's
	IsAnswer bool
	Replies  connection[comment]
}

// hidden reports whether a comment was hidden as something that nobody is to read.
func (c *comment) hidden() bool {
	return c.IsMinimized && (c.MinimizedReason == "spam" || c.MinimizedReason == "abuse")
}

// review is what a reviewer says of a pull request as a whole.
type review struct {
	URL       string
	CreatedAt time.Time
	Author    *account
	BodyHTML  string
	State     string
}

// reviewThread are the comments on one place of a pull request.
type reviewThread struct {
	ID         string
	Path       string
	Line       int
	IsResolved bool
	Comments   connection[comment]
}

// complete fetches what is not on the first page of a thread's parts.
func (s *source) complete(ctx context.Context, t *thread) error {
	const what = "the comments of a document"
	fields := commentFields
	if t.Typename == "Discussion" {
		fields = discussed
	}
	var err error
	if t.Comments.Nodes, err = rest(ctx, s.api, what, t.ID, further(t.Typename, "comments", "", "nodes", fields), t.Comments); err != nil {
		return err
	}
	if t.Reviews.Nodes, err = rest(ctx, s.api, what, t.ID, further("PullRequest", "reviews", "", "nodes", reviewFields), t.Reviews); err != nil {
		return err
	}
	if t.ReviewThreads.Nodes, err = rest(ctx, s.api, what, t.ID, further("PullRequest", "reviewThreads", "", "nodes", inlineFields), t.ReviewThreads); err != nil {
		return err
	}
	for i := range t.Comments.Nodes {
		c := &t.Comments.Nodes[i]
		if c.Replies.Nodes, err = rest(ctx, s.api, what, c.ID, further("DiscussionComment", "replies", "", "nodes", replyFields), c.Replies); err != nil {
			return err
		}
	}
	for i := range t.ReviewThreads.Nodes {
		p := &t.ReviewThreads.Nodes[i]
		if p.Comments.Nodes, err = rest(ctx, s.api, what, p.ID, further("PullRequestReviewThread", "comments", "", "nodes", commentFields), p.Comments); err != nil {
			return err
		}
	}
	return nil
}

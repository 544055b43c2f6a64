package api

import (
	"context"
	"iter"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/jobs/schedule"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// Page asks for a part of a list. A list is returned with the cursor of the
// part after it, empty at the end. Cursors are opaque to everybody but the
// store; one that it did not make is ErrInvalid.
type Page struct {
	Limit  int // 1..200
	Cursor string
}

// SourceStatus is a source with what an administrator wants to see beside it.
type SourceStatus struct {
	cairn.Source
	Documents int        // that can be found now
	Errors    int        // documents that could not be indexed
	LastRun   *cairn.Run // the newest that reads documents; nil before the first
	// PermissionsSynced is when the last run began that brought the permissions of all
	// documents; zero: never, or they are declared here.
	PermissionsSynced time.Time
	Degraded          *Degraded // nil while permissions are fresh
	// LastSync is what the schedule counts from. AtWork says that a run which reads
	// documents is not finished: when the next is due follows from its end.
	LastSync schedule.Last
	AtWork   bool
	Hook     HookStatus
}

// HookStatus is what is known of the webhook of a source; zero times: nothing yet.
type HookStatus struct {
	Accepted time.Time // when the last delivery came that was signed
	Event    string    // as the place calls it
	Refused  time.Time // when the last came that was not accepted, of several in some seconds the first
	Refusal  string    // a word for why
}

// Degraded says that permissions could not be brought up to date. What was told before
// holds.
type Degraded struct {
	Since  time.Time // of every attempt since then
	Reason string    // a sentence for who runs the source
}

// Sources keeps the configured sources. Its callers are administrators, except
// where a viewer is asked for.
type Sources interface {
	// ListSources returns the sources by name.
	ListSources(ctx context.Context, p Page) (sources []SourceStatus, next string, err error)
	// ReadableSources returns the names of the sources in which v may read at
	// least one document, sorted.
	ReadableSources(ctx context.Context, v cairn.Viewer, p Page) (names []string, next string, err error)
	// SourceByName returns one source with what is counted of it, or ErrNotFound.
	SourceByName(ctx context.Context, name string) (SourceStatus, error)
	// SourceNamed returns one source, or ErrNotFound, and counts nothing.
	SourceNamed(ctx context.Context, name string) (cairn.Source, error)
	// CreateSource stores a source, gives it an id and returns it. ErrConflict
	// when the name is taken, ErrInvalid when it is that of a directory.
	CreateSource(ctx context.Context, s cairn.Source) (cairn.Source, error)
	// UpdateSource stores what edit makes of settings, ACL mode, ACL and Paused of
	// a source, and returns it; nobody else changes the source meanwhile. edit's
	// error is returned, and then nothing is stored. A new ACL holds for every
	// document of a declared source at once. ErrNotFound when there is no source.
	UpdateSource(ctx context.Context, id cairn.SourceID, edit func(*cairn.Source) error) (cairn.Source, error)
	// PreviewAccess returns who would lose and gain documents of a source if it were
	// as edited, and changes nothing. With own, which returns the ACL that a document
	// of its own has by the source's settings, or nil, the preview is of the state
	// after the next sync; without it documents keep what they came with as they do in
	// UpdateSource. ErrNotFound when there is no source.
	PreviewAccess(ctx context.Context, edited cairn.Source, own func(external string) *cairn.ACL) (AccessChange, error)
	// EraseSource erases the source with all that came from it, answers included,
	// for the account by. ErrNotFound when there is no source.
	EraseSource(ctx context.Context, id cairn.SourceID, by cairn.AccountID) (cairn.Erasure, error)
}

// Secrets keeps the secret settings of sources. Its callers are administrators.
type Secrets interface {
	// RotateSecrets makes a new key, where the keys are Cairn's own, and seals with the
	// first key every secret that is sealed with another. Secrets can be used meanwhile.
	RotateSecrets(ctx context.Context) (Rotation, error)
}

// Rotation is what a new key has done.
type Rotation struct {
	Key    string `json:"key"`    // its id, which tells nothing of it
	Sealed int    `json:"sealed"` // secrets
	Lost   int    `json:"lost"`   // secrets that no key opens
}

// AccessChange is what a change of permissions does.
type AccessChange struct {
	Documents int             // whose permissions would be others
	Lose      []AccountChange // accounts that could read fewer of them, by address
	Gain      []AccountChange // accounts that could read more; one may be in both
}

// AccountChange is what an account, which is not disabled, would lose or gain.
type AccountChange struct {
	Account   cairn.Account
	Documents int
}

// Runs reads the history of sources. Its callers are administrators.
type Runs interface {
	// ListRuns returns the runs of a source, newest first.
	ListRuns(ctx context.Context, source cairn.SourceID, p Page) (runs []cairn.Run, next string, err error)
	// ListErrors returns the documents that could not be indexed, newest first.
	ListErrors(ctx context.Context, source cairn.SourceID, p Page) (errs []cairn.DocumentError, next string, err error)
	// RetryErrors makes the next run read documents that failed once more: those
	// named, or all when externals is empty. It returns how many.
	RetryErrors(ctx context.Context, source cairn.SourceID, externals []string) (int, error)
}

// StoredDocument is a document as its reader sees it.
type StoredDocument struct {
	cairn.Document
	SourceName string
	// State is CitationCurrent, or CitationChanged when Version is not the newest.
	State cairn.CitationState
}

// PushedDocument is a document by the name that its program gave it.
type PushedDocument struct {
	External string
	ID       cairn.DocumentID
}

// Suggestion is a title, and a document that has it.
type Suggestion struct {
	Title    string
	Document cairn.DocumentID
}

// Documents reads documents.
type Documents interface {
	// ListPushed returns the documents of a source by their external ids, without what
	// came inside others. What is there while all pages are read is listed once. Its
	// callers may write to the source.
	ListPushed(ctx context.Context, source cairn.SourceID, p Page) (documents []PushedDocument, next string, err error)
	// Document returns a version of a document, the newest when version is
	// empty. A document or version that v may not read, under the document's ACL
	// of now, is ErrNotFound exactly as one that does not exist.
	Document(ctx context.Context, v cairn.Viewer, id cairn.DocumentID, version cairn.Version) (StoredDocument, error)
	// SuggestTitles returns up to limit different titles of documents that v's keys
	// admit it to and in which a word begins with the prefix, in any case; newest first.
	SuggestTitles(ctx context.Context, v cairn.Viewer, prefix string, limit int) ([]Suggestion, error)
	// SourceOfDocument returns the source of a document, whoever may read that, or
	// ErrNotFound. It is for the decision who may erase it.
	SourceOfDocument(ctx context.Context, id cairn.DocumentID) (cairn.Source, error)
	// EraseDocument erases a document with what is attached to it and all that was
	// made from it, answers included, for the account by. keepOut keeps it from
	// coming back with the next sync. ErrNotFound when there is none.
	EraseDocument(ctx context.Context, id cairn.DocumentID, keepOut bool, by cairn.AccountID) (cairn.Erasure, error)
}

// Erasures keeps the receipts of erasures. Its callers are administrators, and
// auditors who read.
type Erasures interface {
	// ListErasures returns the receipts, newest first.
	ListErasures(ctx context.Context, p Page) (list []cairn.Erasure, next string, err error)
	// LiftErasure lets the document of an erasure come back with the next sync, and
	// returns the receipt. ErrNotFound when there is none.
	LiftErasure(ctx context.Context, id string) (cairn.Erasure, error)
	// Rewrite writes the tables anew that have held what was erased, so that no byte
	// of it is left in them. They cannot be read meanwhile. ErrConflict when one is
	// in use for too long.
	Rewrite(ctx context.Context) error
}

// Conversations keeps what one account asked. Another account's conversation
// is ErrNotFound exactly as one that does not exist.
type Conversations interface {
	// ListConversations returns those of v.Account, last used first. A title
	// whose evidence v may no longer read is empty.
	ListConversations(ctx context.Context, v cairn.Viewer, p Page) (list []cairn.Conversation, next string, err error)
	// Conversation returns one with all its messages, oldest first. Messages
	// whose evidence v may no longer read are Withheld.
	Conversation(ctx context.Context, v cairn.Viewer, id string) (cairn.Conversation, []cairn.Message, error)
	// Message returns one message, Withheld as above.
	Message(ctx context.Context, v cairn.Viewer, id string) (cairn.Message, error)
	// RenameConversation sets the title.
	RenameConversation(ctx context.Context, v cairn.Viewer, id, title string) error
	// DeleteConversation erases it with its messages, events and evidence.
	DeleteConversation(ctx context.Context, v cairn.Viewer, id string) error
	// SetFeedback stores what v says of an answer of its own; a later one replaces it.
	SetFeedback(ctx context.Context, v cairn.Viewer, message string, f Feedback) error
	// Feedback returns what v said of those of the messages that are its own and
	// that it said something of.
	Feedback(ctx context.Context, v cairn.Viewer, messages []string) (map[string]Feedback, error)
}

// Feedback is what a person says of an answer.
type Feedback struct {
	Rating  string // "up" or "down"
	Reason  string // "wrong", "wrong_source", "outdated", "incomplete", "unsafe", "other" or empty
	Comment string
}

// Accounts keeps who may sign in. Its callers are administrators, except that
// everybody may read the own account.
type Accounts interface {
	// ListAccounts returns the accounts by e-mail.
	ListAccounts(ctx context.Context, p Page) (accounts []cairn.Account, next string, err error)
	// AccountByID returns one account, or ErrNotFound.
	AccountByID(ctx context.Context, id cairn.AccountID) (cairn.Account, error)
	// AccountByEmail returns the account with the address in lower case, or ErrNotFound.
	AccountByEmail(ctx context.Context, email string) (cairn.Account, error)
	// CreateAccount stores an account, gives it an id and returns it. ErrConflict
	// when the address is taken.
	CreateAccount(ctx context.Context, a cairn.Account) (cairn.Account, error)
	// UpdateAccount stores what edit makes of e-mail, name, role and Disabled of an
	// account, and returns it; nobody else changes the account meanwhile. ErrNotFound
	// when there is none, ErrConflict when the address is taken, or when no
	// administrator who is not disabled would remain; edit's error as it is.
	UpdateAccount(ctx context.Context, id cairn.AccountID, edit func(*cairn.Account) error) (cairn.Account, error)
	// EraseAccount erases a person for the account by: the account with all that it
	// asked, and what nobody else could read; of one that was deleted without being
	// erased, what is left. ErrNotFound when there is neither, ErrConflict for the last
	// administrator.
	EraseAccount(ctx context.Context, id, by cairn.AccountID) (cairn.Erasure, error)
}

// Bindings keeps what administrators decide about people of an issuer. Its callers
// are administrators.
type Bindings interface {
	// ListBindings returns the pending bindings, oldest first.
	ListBindings(ctx context.Context, p Page) (bindings []auth.PendingBinding, next string, err error)
	// ConfirmBinding gives the account of a pending binding to its subject, ends the
	// account's sessions and one-time codes, takes it out of the groups of
	// cairn.OIDCDirectory and returns it. ErrNotFound when nothing of that id
	// is pending, ErrConflict when the subject has another account.
	ConfirmBinding(ctx context.Context, id string) (cairn.Account, error)
	// DismissBinding refuses the subject for good. ErrNotFound when nothing of that
	// id is pending.
	DismissBinding(ctx context.Context, id string) error
}

// Group is a group of a directory: "group:<Directory>:<Name>".
type Group struct {
	Directory string
	Name      string
	Members   []cairn.Account      // not those of groups in it
	Groups    []cairn.PrincipalKey // groups whose members belong to it, too
}

// Groups keeps the groups. Its callers are administrators.
type Groups interface {
	// ListGroups returns the groups of a directory with their members, by name.
	ListGroups(ctx context.Context, directory string, p Page) (groups []Group, next string, err error)
	// CreateGroup stores an empty group that is kept here. ErrConflict when the
	// name is taken.
	CreateGroup(ctx context.Context, name string) error
	// SetGroup replaces the members of a group that is kept here; groups may be of
	// any directory, also in a circle. ErrNotFound when there is no such group, nor
	// one of groups.
	SetGroup(ctx context.Context, name string, members []cairn.AccountID, groups []cairn.PrincipalKey) error
	// DeleteGroup removes a group that is kept here. ErrNotFound when there is none,
	// ErrConflict when an ACL denies it.
	DeleteGroup(ctx context.Context, name string) error
}

// Tokens keeps bearer tokens.
type Tokens interface {
	// ListTokens returns the tokens of an account, or of all when account is
	// empty, newest first.
	ListTokens(ctx context.Context, account cairn.AccountID, p Page) (tokens []cairn.Token, next string, err error)
	// CreateToken stores a token under the hash of its secret, gives it an id
	// and returns it. It expires no later than its parent; ErrConflict when that is revoked.
	CreateToken(ctx context.Context, hash auth.Hash, t cairn.Token) (cairn.Token, error)
	// RevokeToken ends a token of an account, or of anybody when account is
	// empty, with all that were made by it. ErrNotFound when there is none.
	RevokeToken(ctx context.Context, account cairn.AccountID, id string, at time.Time) error
}

// GrantStatus is a grant with what an administrator wants to see beside it.
type GrantStatus struct {
	cairn.Grant
	Holder     cairn.Account // whose grant it is
	SourceName string        // empty for that of a document
	Lives      bool          // by the database's clock
}

// Grants keeps break-glass grants. Its callers are administrators, and auditors who
// read.
type Grants interface {
	// CreateGrant stores a grant that lives from now on for as long as lifetime, gives
	// it an id and returns it. ErrInvalid when the account is disabled.
	CreateGrant(ctx context.Context, g cairn.Grant, lifetime time.Duration) (GrantStatus, error)
	// ListGrants returns the grants that live, with ended also the others, newest first.
	ListGrants(ctx context.Context, ended bool, p Page) (grants []GrantStatus, next string, err error)
	// RevokeGrant ends a grant. ErrNotFound when none of that id lives.
	RevokeGrant(ctx context.Context, id cairn.GrantID) error
}

// AuditFilter narrows what is read of the audit log; empty fields narrow nothing.
type AuditFilter struct {
	Account  cairn.AccountID
	Action   string // an action, or the part before the dot, such as "token"
	Outcome  audit.Outcome
	Object   audit.Object
	Document cairn.DocumentID // that was shown or erased
	Since    time.Time
	Until    time.Time // exclusive
}

// Audit reads the audit log. Its callers are administrators and auditors.
type Audit interface {
	// ListAudit returns rows, newest first.
	ListAudit(ctx context.Context, f AuditFilter, p Page) (rows []audit.Row, next string, err error)
	// AuditRows yields all rows, oldest first. An error ends the sequence.
	AuditRows(ctx context.Context, f AuditFilter) iter.Seq2[audit.Row, error]
	// VerifyAudit checks the whole log, and that rows which were noted before are
	// still in it.
	VerifyAudit(ctx context.Context, known []audit.Mark) (audit.Verification, error)
}

// DocumentAccess says who may read a document, and where that comes from.
type DocumentAccess struct {
	Document cairn.DocumentID
	Source   string // name
	Mode     cairn.ACLMode
	Own      bool      // the ACL came with the document; else it is the source's
	ACL      cairn.ACL // that it would have if it were not withheld
	Hidden   bool      // vanished at its source: nobody finds it any more
	Withheld bool      // vanished beyond the guard: nobody may read it but by a grant until it is back
	Synced   time.Time // when permissions were last read at the source; zero: never, or they are declared here
	// Degraded says why permissions could not be read at the source the last time; nil
	// when they could, or are declared here.
	Degraded *Degraded
}

// Access tells who may read what.
type Access interface {
	// DocumentAccess returns who may read a document, or ErrNotFound.
	DocumentAccess(ctx context.Context, id cairn.DocumentID) (DocumentAccess, error)
	// Holder returns an account with what its viewer's keys are made of, or ErrNotFound.
	Holder(ctx context.Context, id cairn.AccountID) (auth.Holder, error)
	// Through returns how an account comes to be in each of its groups: a shortest
	// chain from a group that it belongs to itself, by its id or its address, to that
	// group, each of them a member of the next. ErrNotFound when there is no such account.
	Through(ctx context.Context, id cairn.AccountID) (map[cairn.PrincipalKey][]cairn.PrincipalKey, error)
	// GrantOf returns the grant by which an account may read a document now, that which
	// ends last, or ErrNotFound.
	GrantOf(ctx context.Context, account cairn.AccountID, document cairn.DocumentID) (cairn.Grant, error)
}

// Store is everything that the API reads and writes.
type Store interface {
	Sources
	Secrets
	Runs
	Documents
	Conversations
	Accounts
	Bindings
	SlackPeople
	Groups
	Tokens
	Erasures
	Grants
	Audit
	Access
	Reports
}

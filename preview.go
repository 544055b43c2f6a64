package cairn

// RunPreview is what a dry run would do. It names the first documents that it would
// change, by their names at the source; Counts tells how many there are.
type RunPreview struct {
	Added    []string `json:"added"`
	Modified []string `json:"modified"`
	Deleted  []string `json:"deleted"` // of the source, or withheld
	// Access is who would gain and lose documents; nil when the run ended before it was
	// known.
	Access *RunAccess `json:"access,omitempty"`
}

// RunAccess is who would gain and lose documents by a run. What is found inside documents
// goes with them and is not counted.
type RunAccess struct {
	// Documents is how many would have other permissions, or other readers because a
	// group changes, which may be documents of other sources. One that is not there
	// counts as one that nobody may read.
	Documents int            `json:"documents"`
	Lose      AccountChanges `json:"lose"`
	Gain      AccountChanges `json:"gain"`
	// First are the first documents of the source with other permissions: those that
	// have others, then those that are added, then those that are removed.
	First  []DocumentAccess `json:"first"`
	Groups GroupChanges     `json:"groups"`
	// Uncounted is how many changes were too many to be kept in mind: what they would
	// do is not in the other figures.
	Uncounted int `json:"uncounted"`
}

// AccountChanges are the accounts, which are not disabled, that lose or gain documents.
type AccountChanges struct {
	Accounts int             `json:"accounts"` // how many
	First    []AccountChange `json:"first"`    // by address
}

// AccountChange is an account with the number of documents that it loses or gains.
type AccountChange struct {
	ID AccountID `json:"id"`
	// Email is empty for the account of local mode. It is not stored with a preview, so
	// that nothing is left of it when the account is erased.
	Email     string `json:"email"`
	Documents int    `json:"documents"`
}

// DocumentAccess is who loses and who gains one document.
type DocumentAccess struct {
	External string         `json:"external_id"`
	Lose     AccountChanges `json:"lose"`
	Gain     AccountChanges `json:"gain"`
}

// GroupChanges are the groups of a source that have other members.
type GroupChanges struct {
	Groups int           `json:"groups"` // how many
	First  []GroupChange `json:"first"`  // by name
}

// GroupChange is a group of a source, by its name there, with the number of people and
// groups that join and leave it.
type GroupChange struct {
	Name   string `json:"name"`
	Joined int    `json:"joined"`
	Left   int    `json:"left"`
}

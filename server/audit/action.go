package audit

// Action is what was done or tried.
type Action string

// The actions. Those that change something are written in the transaction of
// the change; those that show documents in batches.
const (
	SignIn  Action = "sign_in"
	SignOut Action = "sign_out"

	Search       Action = "search"
	CodeSearch   Action = "code.search"
	Ask          Action = "ask"
	DocumentRead Action = "document.read"
	AnswerRead   Action = "answer.read" // an answer that was given before, with its citations

	DocumentPush       Action = "document.push"
	DocumentDelete     Action = "document.delete"
	DocumentList       Action = "document.list" // names of pushed documents were shown
	ConversationDelete Action = "conversation.delete"

	AccountCreate  Action = "account.create"
	AccountUpdate  Action = "account.update"
	AccountDelete  Action = "account.delete"
	AccountBind    Action = "account.bind"    // the account belongs to an identity of the issuer from now on
	AccountCode    Action = "account.code"    // a one-time code to sign in with
	PasswordSet    Action = "password.set"    // by whose account it is
	PasswordRemove Action = "password.remove" // by an administrator
	BindingConfirm Action = "binding.confirm" // another identity becomes that of an account
	BindingDismiss Action = "binding.dismiss"

	SlackApprove Action = "slack.approve" // an address in Slack is that of an account
	SlackRemove  Action = "slack.remove"

	GroupCreate Action = "group.create"
	GroupUpdate Action = "group.update"
	GroupDelete Action = "group.delete"
	TokenCreate Action = "token.create"
	TokenRevoke Action = "token.revoke"
	TokenRefuse Action = "token.refuse" // to a program that asked to be let in

	SourceCreate  Action = "source.create"
	SourceUpdate  Action = "source.update"
	SourceDelete  Action = "source.delete"
	SourceSync    Action = "source.sync"
	SourceCancel  Action = "source.cancel"
	SourceTest    Action = "source.test"
	SourcePreview Action = "source.preview" // who would lose and gain by other permissions
	SourceErrors  Action = "source.errors"  // names of documents that failed were shown
	SourceRuns    Action = "source.runs"    // names of documents that a dry run told were shown
	SourceRetry   Action = "source.retry"
	ErasureLift   Action = "erasure.lift" // what was kept out may come back
	ErasureClean  Action = "erasure.clean"

	GrantCreate Action = "grant.create"
	GrantRevoke Action = "grant.revoke"
	GrantUse    Action = "grant.use" // documents were shown that a grant of the caller covers

	SecretsRotate Action = "secrets.rotate"

	IndexVerify  Action = "index.verify"
	IndexRebuild Action = "index.rebuild"

	AccessExplain Action = "access.explain"
	ReportRead    Action = "report.read" // which documents with something sensitive many can read
	ReportScan    Action = "report.scan"
	AuditRead     Action = "audit.read"
	AuditExport   Action = "audit.export"
	AuditVerify   Action = "audit.verify"
	AuditExpire   Action = "audit.expire" // the oldest days were removed; the object is the checkpoint
)

// Kind is what the object of an event is.
type Kind string

// The kinds of objects.
const (
	KindAccount      Kind = "account"
	KindGroup        Kind = "group"
	KindToken        Kind = "token"
	KindSource       Kind = "source"
	KindDocument     Kind = "document"
	KindMessage      Kind = "message"
	KindConversation Kind = "conversation"
	KindErasure      Kind = "erasure"
	KindReport       Kind = "report"
	KindGrant        Kind = "grant"
	KindCheckpoint   Kind = "checkpoint" // the Mark of the last row that was removed
)

// Object is what an action was done to; zero when it was to nothing in particular.
type Object struct {
	Kind Kind
	ID   string
}

// Outcome is how it ended: OK, or the code of the error that the caller was given.
type Outcome string

// OK is the outcome of what was done.
const OK Outcome = "ok"

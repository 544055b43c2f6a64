package github

import "fmt"

// connection is a page of things of GitHub's GraphQL API. What holds more of a thing than
// the thing itself, as a role, are edges.
type connection[T any] struct {
	PageInfo   pageInfo
	Nodes      []T
	Edges      []T
	TotalCount int
}

type pageInfo struct {
	HasNextPage bool
	EndCursor   string
}

const page = ` pageInfo { hasNextPage endCursor } `

// heads are repositories with the newest of what they hold. What is not read is not
// asked for: the credential may not reach it.
const heads = `query($login: String!, $after: String, $issues: Boolean!, $pulls: Boolean!, $discussions: Boolean!, $releases: Boolean!) {
  repositoryOwner(login: $login) {
    repositories(first: 25, after: $after, ownerAffiliations: [OWNER], orderBy: {field: CREATED_AT, direction: ASC}) {` + page + `
      nodes {
        id databaseId nameWithOwner url visibility hasWikiEnabled
        owner { login }
        issues(first: 1, orderBy: {field: UPDATED_AT, direction: DESC}) @include(if: $issues) { nodes { updatedAt } }
        pullRequests(first: 1, orderBy: {field: UPDATED_AT, direction: DESC}) @include(if: $pulls) { nodes { updatedAt } }
        discussions(first: 1, orderBy: {field: UPDATED_AT, direction: DESC}) @include(if: $discussions) { nodes { updatedAt } }
        releases(first: 100, orderBy: {field: CREATED_AT, direction: DESC}) @include(if: $releases) { totalCount nodes { databaseId updatedAt } }
      }
    }
  }
}`

// visibilities are repositories with what tells who may read them.
const visibilities = `query($login: String!, $after: String) {
  repositoryOwner(login: $login) {
    repositories(first: 100, after: $after, ownerAffiliations: [OWNER], orderBy: {field: CREATED_AT, direction: ASC}) {` + page + `
      nodes { databaseId nameWithOwner visibility owner { login } }
    }
  }
}`

// current is the repository that has a name now.
const current = `query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { databaseId visibility } }`

// numbers are repositories with the numbers of what they hold.
const numbers = `query($login: String!, $after: String, $issues: Boolean!, $pulls: Boolean!, $discussions: Boolean!, $releases: Boolean!,
    $issueStates: [IssueState!], $pullStates: [PullRequestState!], $discussionStates: [DiscussionState!]) {
  repositoryOwner(login: $login) {
    repositories(first: 10, after: $after, ownerAffiliations: [OWNER], orderBy: {field: CREATED_AT, direction: ASC}) {` + page + `
      nodes {
        id databaseId nameWithOwner hasWikiEnabled
        issues(first: 100, states: $issueStates) @include(if: $issues) {` + page + `nodes { number } }
        pullRequests(first: 100, states: $pullStates) @include(if: $pulls) {` + page + `nodes { number } }
        discussions(first: 100, states: $discussionStates) @include(if: $discussions) {` + page + `nodes { number } }
        releases(first: 100) @include(if: $releases) {` + page + `nodes { databaseId isDraft } }
      }
    }
  }
}`

// changedDiscussions are the discussions of a repository, the newest change first, with who
// may read them.
const changedDiscussions = `query($repository: ID!, $after: String) {
  node(id: $repository) {
    ... on Repository {
      visibility
      discussions(first: 50, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}) {` + page + `
        nodes { number databaseId title url author { login } createdAt updatedAt closed bodyHTML category { name } comments(first: 1) { totalCount } }
      }
    }
  }
}`

// allReleases are the releases of a repository, with who may read them.
const allReleases = `query($repository: ID!, $after: String) {
  node(id: $repository) {
    ... on Repository {
      visibility
      releases(first: 50, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {` + page + `
        nodes { databaseId name tagName url author { login } createdAt updatedAt isDraft isPrerelease descriptionHTML }
      }
    }
  }
}`

// What is read of threads.
const (
	commentFields = ` url createdAt author { login } bodyHTML isMinimized minimizedReason `
	reviewFields  = ` url createdAt author { login } bodyHTML state `
	replyFields   = commentFields
	discussed     = ` id isAnswer replies(first: 20) {` + page + `nodes {` + replyFields + `} }` + commentFields
	inlineFields  = ` id path line isResolved comments(first: 20) {` + page + `nodes {` + commentFields + `} } `
)

// fragment is what is read of one kind of thread.
type fragment struct {
	field string // of the repository, that finds one by its number
	name  string
	text  string
}

// The fragments. Each connection within another costs as many requests as the other one
// may have things ("Rate limits and query limits for the GraphQL API"): those are small.
var (
	issueFragment = fragment{"issueOrPullRequest", "issue", `
fragment issue on Issue { __typename id number title bodyHTML issueState: state stateReason createdAt author { login }
  comments(first: 50) {` + page + `nodes {` + commentFields + `} } }`}
	pullFragment = fragment{"issueOrPullRequest", "pull", `
fragment pull on PullRequest { __typename id number title bodyHTML pullState: state isDraft createdAt author { login } baseRefName headRefName
  comments(first: 50) {` + page + `nodes {` + commentFields + `} }
  reviews(first: 30) {` + page + `nodes {` + reviewFields + `} }
  reviewThreads(first: 15) {` + page + `nodes {` + inlineFields + `} } }`}
	discussionFragment = fragment{"discussion", "discussion", `
fragment discussion on Discussion { __typename id number title bodyHTML closed createdAt author { login } category { name }
  comments(first: 20) {` + page + `nodes {` + discussed + `} } }`}
)

// members are the members of an organisation.
const members = `query($login: String!, $after: String, $addresses: Boolean!) {
  organization(login: $login) {
    membersWithRole(first: 100, after: $after) {` + page + `
      edges { role node { login organizationVerifiedDomainEmails(login: $login) @include(if: $addresses) } }
    }
  }
}`

// identities are those that an organisation's identity provider knows.
const identities = `query($login: String!, $after: String) {
  organization(login: $login) {
    samlIdentityProvider {
      externalIdentities(first: 100, after: $after, membersOnly: true) {` + page + `
        nodes { user { login } samlIdentity { nameId } }
      }
    }
  }
}`

const (
	teamMember     = ` login `
	teamRepository = ` permission node { databaseId } `
	collaborator   = ` permission node { login } `
)

// teams are the teams of an organisation, with whom they hold and what they reach.
const teams = `query($login: String!, $after: String) {
  organization(login: $login) {
    teams(first: 10, after: $after) {` + page + `
      nodes {
        id slug parentTeam { slug }
        members(first: 100, membership: IMMEDIATE) {` + page + `nodes {` + teamMember + `} }
        repositories(first: 100) {` + page + `edges {` + teamRepository + `} }
      }
    }
  }
}`

// access are the repositories of an owner, with the people who were let in one by one.
const access = `query($login: String!, $after: String, $affiliation: CollaboratorAffiliation!) {
  repositoryOwner(login: $login) {
    __typename
    repositories(first: 25, after: $after, ownerAffiliations: [OWNER], orderBy: {field: CREATED_AT, direction: ASC}) {` + page + `
      nodes {
        id databaseId nameWithOwner visibility
        collaborators(first: 100, affiliation: $affiliation) {` + page + `edges {` + collaborator + `} }
      }
    }
  }
}`

// further is the query for the next page of a connection of one thing. Its parts are
// constants of this package.
func further(on, field, arguments, list, selection string) string {
	return fmt.Sprintf(`query($id: ID!, $after: String) { node(id: $id) { ... on %s { further: %s(first: 100, after: $after%s) {%s%s {%s} } } } }`,
		on, field, arguments, page, list, selection)
}

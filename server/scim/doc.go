// Package scim lets an identity provider bring accounts and groups: SCIM 2.0 (RFC
// 7643 and 7644) under /scim/v2, as Okta and Microsoft Entra ID speak it. Users are
// the accounts of Cairn; groups are those of the directory "scim", so that groups
// kept here are out of a provider's reach. Callers are tokens with the scope "scim"
// of an administrator's account; such a token reads no document.
package scim

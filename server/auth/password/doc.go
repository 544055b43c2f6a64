// Package password checks and hashes what people sign in with: argon2id
// (RFC 9106), stored in the PHC string format, over text that was prepared by the
// OpaqueString profile of RFC 8265. What is accepted follows NIST SP 800-63B:
// length counts, what everybody tries is refused, and no kind of character is asked
// for.
package password

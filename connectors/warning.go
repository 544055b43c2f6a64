package connectors

// Warning is something about a source as a whole that its administrator should know,
// although what can be read of it is read: a part that the credential does not reach, a
// rate limit that costs much time. What cannot be read of one document is no warning, but
// its error.
type Warning struct {
	Code    string // stable, snake_case: "channels_not_joined"
	Message string // a sentence of the program; it names no document
	Count   int    // of what it is about
}

// Warn tells the run of a warning. Of several with one code, which may come from several
// goroutines at once, the one with the largest count stands.
func (e Environment) Warn(w Warning) {
	if e.Warned != nil {
		e.Warned(w)
	}
}

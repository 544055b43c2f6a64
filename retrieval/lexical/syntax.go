package lexical

// Parsed is a query text taken apart.
type Parsed struct{ Text string }

// Parse is a stand-in.
func Parse(text string, _ bool) Parsed { return Parsed{text} }

// Constraint is a stand-in.
type Constraint struct{ Must, Not [][]uint64 }

// Constraint is a stand-in.
func (p Parsed) Constraint([]string) Constraint { return Constraint{} }
